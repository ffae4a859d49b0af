//go:build tools

// kwok for the benchmark of many deployed functions: go.mod and go.sum name its version.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
