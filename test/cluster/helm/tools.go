//go:build tools

// Helm for the tests of charts: go.mod and go.sum name its version.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
