const querystring = require('querystring-es3');

module.exports = { escape: encodeURIComponent, unescape: decodeURIComponent, ...querystring };
