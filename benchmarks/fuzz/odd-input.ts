import type { Random } from './random.ts'

/** The target of the requests of a run. */
export interface Target {
  /** The gateway's address, `http://host:port`. */
  readonly url: string
  /** The absolute path of a chat operation. */
  readonly chatPath: string
  readonly apiKey: string
}

export type Field = readonly [name: string, value: string]

/** Names that servers treat specially, and invalid names. */
const NAMES: readonly [string, ...string[]] = [
  'trailer',
  'expect',
  'upgrade',
  'connection',
  'te',
  'transfer-encoding',
  'content-length',
  'content-type',
  'content-encoding',
  'host',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'http2-settings',
  'date',
  'cookie',
  'set-cookie',
  'authorization',
  'x-api-key',
  'accept-version',
  'x-http-method-override',
  'x-sluice-max-wait',
  'x-forwarded-for',
  'range',
  'if-match',
  'age',
  'via',
  'forwarded',
  'early-data',
  'priority',
  'sec-websocket-key',
  'access-control-request-method',
  '__proto__',
  'constructor',
  'hasownproperty',
  ':method',
  ':path',
  ':authority',
  ':scheme',
  ':status',
  ':protocol',
  ':unknown',
  ':',
  '',
  ' ',
  'two words',
  'UPPER-Case',
  'x-\u00e4',
  'x\0y',
  'x\ny',
]

const VALUES: readonly [string, ...string[]] = [
  '',
  ' ',
  'x',
  '0',
  '-1',
  '5',
  '1e9',
  '99999999999999999999',
  'NaN',
  'close',
  'keep-alive, x-note',
  'upgrade, http2-settings',
  'h2c',
  'websocket',
  'chunked',
  'gzip, chunked',
  'identity',
  'trailers',
  '100-continue',
  '200-maybe',
  'application/json',
  'multipart/form-data',
  'multipart/form-data; boundary=x',
  'text/plain; charset=\u00ff',
  ';',
  ',',
  '=',
  '/',
  'AAMAAABkAAQAAP__',
  'a\tb',
  'a\0b',
  'a\rb',
  'a\nb',
  '\u00ff\u00fe',
  'Bearer ',
  'Bearer slc_no',
  '%00',
  'elsewhere:443',
  'bytes=0-18446744073709551615',
]

const METHODS: readonly [string, ...string[]] = [
  'GET',
  'HEAD',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'PRI',
  'QUERY',
  'SOURCE',
  'get',
  'FOO',
  '__proto__',
  '',
  'P OST',
]

const PATHS: readonly [string, ...string[]] = [
  '/',
  '*',
  '',
  'x',
  '//',
  '/healthz',
  '/readyz',
  '/v1/models',
  '/v1/chat/completions',
  '/v1/embeddings',
  '/connections',
  '/connections/',
  '/connections//v1',
  '/connections/benchmark',
  '/connections/nowhere/v1/models',
  '/connections/benchmark/v1/files',
  '/connections/benchmark/v1/audio/transcriptions',
  '/connections/benchmark/v1/../v1/models',
  '/connections/%/v1',
  '/connections/__proto__/v1/models',
  '/%ff%fe',
  '/a?key=slc_no&key',
  '/\u00e4',
  '/x#y',
  'http://elsewhere/',
  'elsewhere:443',
  `/${'x'.repeat(9_000)}`,
  `/${'%41'.repeat(9_000)}`,
]

const BODIES: readonly [string, ...string[]] = [
  '',
  '{',
  '{}',
  'null',
  '[]',
  '"x"',
  '{"model":"gpt-4o-mini"}',
  '{"model":1,"messages":1}',
  '{"model":"benchmark/gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}',
  '{"__proto__":{"x":1},"model":"__proto__"}',
  `${'['.repeat(5_000)}`,
  `{"model":"${'x'.repeat(5_000)}"}`,
  '--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--x--\r\n',
  '\ufeff{}',
  '\0\0\0\0',
]

const CHAT = '{"model":"gpt-4o-mini","max_tokens":5,"messages":[{"role":"user","content":"Hi"}],"stream":true}'

const oddName = (random: Random): string => random.pick(NAMES)

function oddValue(random: Random): string {
  if (random.isTrue(0.03)) return 'x'.repeat(random.int(20_000))
  if (random.isTrue(0.05)) return random.bytes(random.int(20)).toString('latin1')
  return random.pick(VALUES)
}

/** Returns the method of a chat request, or an odd one with this probability; so do the next two functions. */
export const methodOf = (random: Random, chance: number): string =>
  random.isTrue(chance) ? random.pick(METHODS) : 'POST'

export const pathOf = (random: Random, { chatPath }: Target, chance: number): string =>
  random.isTrue(chance) ? random.pick(PATHS) : chatPath

export function bodyOf(random: Random, chance: number): Buffer {
  if (!random.isTrue(chance)) return Buffer.from(CHAT)
  if (random.isTrue(0.1)) return random.bytes(random.int(5_000))
  if (random.isTrue(0.03)) return Buffer.alloc(random.int(2_000_000), 'x')
  return Buffer.from(random.pick(BODIES))
}

/** Returns up to `most` fields; every second list has an API key. */
export function oddFields(random: Random, { apiKey }: Target, most: number): Field[] {
  const fields: Field[] = Array.from({ length: random.int(most) }, () => [oddName(random), oddValue(random)])
  if (random.isTrue(0.5)) fields.push(['authorization', `Bearer ${apiKey}`])
  if (random.isTrue(0.5)) fields.push(['content-type', 'application/json'])
  return fields
}

const TAKEN: readonly [Field, ...Field[]] = [
  ['trailer', 'x'],
  ['trailer', ''],
  ['expect', '100-continue'],
  ['expect', 'x'],
  ['te', 'trailers'],
  ['host', 'elsewhere'],
  ['date', 'x'],
  ['cookie', 'a=b'],
  ['content-encoding', 'gzip'],
  ['__proto__', 'x'],
  ['accept-version', '1'],
  ['x-sluice-max-wait', '1'],
]

/** Returns fields that every parser accepts, but whose meaning may be unexpected. */
export function validFields(random: Random, { apiKey }: Target): Field[] {
  const fields: Field[] = Array.from({ length: random.int(3) }, () => random.pick(TAKEN))
  if (random.isTrue(0.6)) fields.push(['authorization', `Bearer ${apiKey}`])
  if (random.isTrue(0.8)) fields.push(['content-type', 'application/json'])
  return fields
}
