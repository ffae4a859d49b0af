// biome-ignore lint/style/useNodejsImportProtocol: the shim is meant, by the name that the others have for it.
module.exports = require('stream').promises;
