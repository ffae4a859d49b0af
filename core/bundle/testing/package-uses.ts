/** A package, and a handler that uses it. */
export interface PackageUse {
  readonly name: string;
  /** Other packages that the handler imports. */
  readonly needs?: readonly string[];
  /** Shape: a module of JavaScript, whose default export answers with JSON. */
  readonly code: string;
}

const use = (name: string, imports: string, answer: string, needs: readonly string[] = []): PackageUse => ({
  name,
  needs,
  code: `${imports}\nexport default async () => { ${answer.includes('return ') ? answer : `return ${answer};`} };\n`,
});
/** A package with a default export under this name. */
const byDefault = (name: string, as: string, answer: string): PackageUse =>
  use(name, `import ${as} from '${name}';`, answer);

/** Packages that functions import, by the counts of downloads of npm: what a function takes in, no tools of builds. */
export const packageUses: readonly PackageUse[] = [
  use(
    'zod',
    "import { z } from 'zod';",
    "const s = z.object({ a: z.string().email(), n: z.coerce.number().int() }); return [s.parse({ a: 'a@b.co', n: '4' }), s.safeParse({ a: 'x', n: 1 }).error.issues.map((i) => i.path)];",
  ),
  use(
    'valibot',
    "import * as v from 'valibot';",
    "v.parse(v.object({ a: v.pipe(v.string(), v.minLength(2)) }), { a: 'bc' })",
  ),
  byDefault(
    'joi',
    'Joi',
    "Joi.object({ a: Joi.number().min(3), e: Joi.string().email({ tlds: false }) }).validate({ a: '2', e: 'a@b.c' }).error.message",
  ),
  use(
    'yup',
    "import * as yup from 'yup';",
    "await yup.object({ a: yup.number().required(), d: yup.string().default('x') }).validate({ a: '7' })",
  ),
  byDefault(
    'ajv',
    'Ajv',
    "const v = new Ajv({ allErrors: true }).compile({ type: 'object', required: ['a'], properties: { a: { type: 'integer' } } }); return [v({ a: 1 }), v({ a: 'b' }), v.errors[0].message];",
  ),
  byDefault('validator', 'v', "[v.isEmail('a@b.co'), v.isUUID('x'), v.escape('<a>'), v.isURL('https://a.b/c')]"),
  byDefault(
    'lodash',
    '_',
    "[_.chunk([1, 2, 3], 2), _.get({ a: [{ b: 1 }] }, 'a[0].b'), _.camelCase('foo bar'), _.groupBy([1.2, 1.8, 2.1], Math.floor), _.template('a <%= b %>')({ b: 1 })]",
  ),
  use('underscore', "import _ from 'underscore';", '_.chain([3, 1, 2]).sortBy().map((n) => n * 2).value()'),
  use('ramda', "import * as R from 'ramda';", 'R.pipe(R.filter((n) => n > 1), R.map(R.multiply(2)), R.sum)([1, 2, 3])'),
  use(
    'rxjs',
    "import { of, lastValueFrom } from 'rxjs'; import { map, toArray, delay } from 'rxjs/operators';",
    'await lastValueFrom(of(1, 2, 3).pipe(map((n) => n * 2), delay(1), toArray()))',
  ),
  use('immer', "import { produce } from 'immer';", 'produce({ a: [1] }, (d) => { d.a.push(2); })'),
  byDefault('async', 'async', 'await async.mapLimit([1, 2, 3], 2, async (n) => n * 2)'),
  byDefault('bluebird', 'P', 'await P.map([1, 2], (n) => P.delay(1).then(() => n + 1), { concurrency: 1 })'),
  byDefault('p-limit', 'pLimit', 'const l = pLimit(1); return await Promise.all([l(() => 1), l(async () => 2)]);'),
  byDefault(
    'p-retry',
    'pRetry',
    "let n = 0; return await pRetry(() => { n += 1; if (n < 2) throw new Error('x'); return n; }, { minTimeout: 1 });",
  ),
  use(
    'eventemitter3',
    "import { EventEmitter } from 'eventemitter3';",
    "const e = new EventEmitter(); let s = 0; e.on('a', (n) => { s += n; }); e.emit('a', 2); return s;",
  ),
  use(
    'lru-cache',
    "import { LRUCache } from 'lru-cache';",
    'const c = new LRUCache({ max: 2, ttl: 1000 }); c.set(1, 1); c.set(2, 2); c.set(3, 3); return [c.has(1), c.get(3)];',
  ),
  use('uuid', "import { v5, validate, v4, version } from 'uuid';", "[v5('a', v5.DNS), validate(v4()), version(v4())]"),
  use('nanoid', "import { nanoid, customAlphabet } from 'nanoid';", "[nanoid().length, customAlphabet('a', 3)()]"),
  use('ulid', "import { ulid, decodeTime } from 'ulid';", '[ulid().length, decodeTime(ulid(1469918176385))]'),
  byDefault('ms', 'ms', "[ms('2 days'), ms(60000), ms(60000, { long: true })]"),
  use(
    'dayjs',
    "import dayjs from 'dayjs'; import utc from 'dayjs/plugin/utc.js';",
    "dayjs.extend(utc); return [dayjs.utc('2024-02-29').add(1, 'year').format('YYYY-MM-DD ddd'), dayjs.utc('2024-01-01').diff('2023-01-01', 'day')];",
  ),
  use(
    'date-fns',
    "import { format, addMonths, differenceInDays, parseISO } from 'date-fns';",
    "[format(new Date(2024, 0, 31), 'yyyy-MM-dd EEEE'), format(addMonths(new Date(2024, 0, 31), 1), 'PPpp'), differenceInDays(parseISO('2024-03-01'), parseISO('2024-02-01'))]",
  ),
  byDefault('moment', 'moment', "[moment.utc('2024-02-29').format('LLLL'), moment.duration(90, 'minutes').humanize()]"),
  use(
    'luxon',
    "import { DateTime } from 'luxon';",
    "[DateTime.fromISO('2024-02-29T10:00:00Z', { zone: 'utc' }).plus({ months: 1 }).toISO(), DateTime.fromISO('2024-02-29T10:00:00Z', { zone: 'utc' }).toFormat('yyyy LLL dd')]",
  ),
  byDefault('decimal.js', 'Decimal', "new Decimal('0.1').plus('0.2').times(3).sqrt().toString()"),
  byDefault('bignumber.js', 'BigNumber', "new BigNumber('0.1').plus('0.2').dividedBy(7).toFormat(20)"),
  byDefault(
    'semver',
    'semver',
    "[semver.satisfies('1.2.3', '^1.1'), semver.inc('1.2.3', 'minor'), semver.coerce('v2').version]",
  ),
  use('qs', "import qs from 'qs';", "[qs.parse('a[b]=1&c[]=2&c[]=3'), qs.stringify({ a: { b: [1, 2] } })]"),
  byDefault(
    'query-string',
    'qs',
    "[qs.parse('?a=1&b=2&b=3'), qs.stringifyUrl({ url: 'https://a.b', query: { c: 'd e' } })]",
  ),
  use(
    'cookie',
    "import * as cookie from 'cookie';",
    "const all = { ...cookie, ...cookie.default }; const parse = all.parseCookie ?? all.parse; return { ...parse('a=1; b=c%20d') };",
  ),
  byDefault('mime-types', 'mime', "[mime.lookup('a.json'), mime.extension('text/html'), mime.contentType('a.md')]"),
  byDefault('slugify', 'slugify', "slugify('Grüße an Öl & Co', { lower: true })"),
  byDefault('he', 'he', "[he.encode('<é>'), he.decode('&lt;&eacute;&gt;')]"),
  byDefault('deepmerge', 'merge', '(merge.default ?? merge)({ a: [1], b: { c: 1 } }, { a: [2], b: { d: 2 } })'),
  byDefault('fast-deep-equal', 'equal', '[equal({ a: [1] }, { a: [1] }), equal({ a: 1 }, { a: 2 })]'),
  byDefault(
    'superjson',
    'superjson',
    'superjson.parse(superjson.stringify({ d: new Date(0), s: new Set([1]), b: 2n })).d.toISOString()',
  ),
  use(
    'yaml',
    "import YAML from 'yaml';",
    "[YAML.parse('a: [1, 2]\\nb: &x { c: d }\\ne: *x'), YAML.stringify({ a: [1, { b: 2 }] })]",
  ),
  use(
    'js-yaml',
    "import * as yaml from 'js-yaml';",
    "const y = yaml.load ? yaml : yaml.default; return [y.load('a: 1\\nb:\\n  - c'), y.dump({ a: [1] })];",
  ),
  use(
    'fast-xml-parser',
    "import { XMLParser, XMLBuilder } from 'fast-xml-parser';",
    '[new XMLParser({ ignoreAttributes: false }).parse(\'<a b="1"><c>2</c></a>\'), new XMLBuilder().build({ a: { b: 1 } })]',
  ),
  use(
    'xml2js',
    "import xml2js from 'xml2js';",
    '[await xml2js.parseStringPromise(\'<a b="1"><c>2</c></a>\'), new xml2js.Builder({ headless: true }).buildObject({ a: 1 })]',
  ),
  use('csv-parse', "import { parse } from 'csv-parse/sync';", 'parse(\'a,b\\n1,"2,3"\', { columns: true })'),
  byDefault(
    'papaparse',
    'Papa',
    "[Papa.parse('a,b\\n1,2', { header: true }).data, Papa.unparse([{ a: 1, b: 'c,d' }])]",
  ),
  byDefault('handlebars', 'H', "H.compile('{{#each a}}<{{this}}>{{/each}}')({ a: [1, '&'] })"),
  byDefault('mustache', 'M', "M.render('{{#a}}<{{.}}>{{/a}}', { a: [1, '&'] })"),
  byDefault('ejs', 'ejs', "ejs.render('<% for (const x of a) { %><%= x %>,<% } %>', { a: [1, '<'] })"),
  use('marked', "import { marked } from 'marked';", "marked.parse('# A\\n\\n- *b*\\n\\n| a |\\n|--|\\n| 1 |')"),
  byDefault('markdown-it', 'MarkdownIt', "new MarkdownIt({ linkify: true }).render('# A\\n\\nhttps://a.b **c**')"),
  use(
    'cheerio',
    "import * as cheerio from 'cheerio';",
    "const $ = cheerio.load('<ul><li>a</li><li class=\"x\">b</li></ul>'); return [$('li.x').text(), $('li').length, $.html('ul')];",
  ),
  byDefault('sanitize-html', 'sanitize', 'sanitize(\'<p onclick="x()">a<script>b</script></p>\')'),
  use(
    'react',
    "import { createElement as h } from 'react'; import { renderToString } from 'react-dom/server';",
    "renderToString(h('ul', { className: 'a' }, [1, 2].map((n) => h('li', { key: n }, n, '<'))))",
    ['react-dom'],
  ),
  use(
    'preact',
    "import { h } from 'preact'; import { render } from 'preact-render-to-string';",
    "render(h('p', { class: 'a' }, 'b', h('b', null, '&')))",
    ['preact-render-to-string'],
  ),
  use(
    'i18next',
    "import i18next from 'i18next';",
    "const i = i18next.createInstance(); await i.init({ lng: 'de', resources: { de: { translation: { a: 'Hallo {{n}}' } } } }); return i.t('a', { n: 'x' });",
  ),
  use(
    'graphql',
    "import { graphql, buildSchema } from 'graphql';",
    "(await graphql({ schema: buildSchema('type Query { a(n: Int): [Int] }'), source: '{ a(n: 2) }', rootValue: { a: ({ n }) => [n, n + 1] } })).data",
  ),
  use(
    'hono',
    "import { Hono } from 'hono';",
    "const app = new Hono().get('/a/:id', (c) => c.json({ id: c.req.param('id'), q: c.req.query('q') })); const r = await app.request('http://x/a/7?q=1'); return [r.status, await r.json()];",
  ),
  use(
    'itty-router',
    "import { Router, json } from 'itty-router';",
    "const r = Router().get('/a/:id', ({ params }) => json(params)); return await (await r.fetch(new Request('http://x/a/3'))).json();",
  ),
  use(
    'jose',
    "import { SignJWT, jwtVerify } from 'jose';",
    "const key = new TextEncoder().encode('0123456789abcdef0123456789abcdef'); const t = await new SignJWT({ a: 1 }).setProtectedHeader({ alg: 'HS256' }).sign(key); return [t, (await jwtVerify(t, key)).payload];",
  ),
  use(
    'jsonwebtoken',
    "import jwt from 'jsonwebtoken';",
    "const t = jwt.sign({ a: 1, iat: 1 }, 'k'); return [t, jwt.verify(t, 'k')];",
  ),
  byDefault(
    'bcryptjs',
    'bcrypt',
    "[await bcrypt.compare('a', await bcrypt.hash('a', 4)), bcrypt.compareSync('b', bcrypt.hashSync('a', 4))]",
  ),
  byDefault(
    'crypto-js',
    'C',
    "[C.SHA256('a').toString(), C.AES.decrypt(C.AES.encrypt('m', 'k').toString(), 'k').toString(C.enc.Utf8), C.HmacSHA1('a', 'b').toString()]",
  ),
  byDefault(
    'tweetnacl',
    'nacl',
    'const k = nacl.sign.keyPair.fromSeed(new Uint8Array(32)); return nacl.sign.detached.verify(new Uint8Array([1]), nacl.sign.detached(new Uint8Array([1]), k.secretKey), k.publicKey);',
  ),
  use(
    '@msgpack/msgpack',
    "import { encode, decode } from '@msgpack/msgpack';",
    "decode(encode({ a: [1, 'b', null, 1.5], u: new Uint8Array([1]) }))",
  ),
  byDefault(
    'protobufjs',
    'pb',
    "const T = pb.parse('syntax = \"proto3\"; message A { string b = 1; repeated int32 c = 2; }').root.lookupType('A'); return T.toObject(T.decode(T.encode({ b: 'x', c: [1, 2] }).finish()));",
  ),
  use('pako', "import * as pako from 'pako';", "pako.inflate(pako.gzip('hello '.repeat(50)), { to: 'string' }).length"),
  byDefault(
    'jszip',
    'JSZip',
    "const z = new JSZip(); z.file('a.txt', 'b'); const again = await JSZip.loadAsync(await z.generateAsync({ type: 'uint8array' })); return await again.file('a.txt').async('string');",
  ),
  byDefault(
    'iconv-lite',
    'iconv',
    "[iconv.decode(iconv.encode('é€', 'win1252'), 'win1252'), iconv.decode(new Uint8Array([0x82, 0xa0]), 'shift_jis')]",
  ),
  byDefault(
    'axios',
    'axios',
    "[axios.getUri({ url: 'https://a.b/c', params: { d: [1, 2] } }), axios.create({ baseURL: 'https://x' }).defaults.baseURL]",
  ),
  byDefault(
    'stripe',
    'Stripe',
    "const s = new Stripe('sk_test_x'); const h = await s.webhooks.generateTestHeaderStringAsync({ payload: '{\"id\":1}', secret: 'w' }); return (await s.webhooks.constructEventAsync('{\"id\":1}', h, 'w')).id;",
  ),
  use(
    '@aws-sdk/client-dynamodb',
    "import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';",
    "const c = new DynamoDBClient({ region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }); return [await c.config.region(), new GetItemCommand({ TableName: 't', Key: { k: { S: '1' } } }).input];",
  ),
];
