/** A request that is designed to keep the gateway from serving others. */
export interface WorstBody {
  readonly name: string
  readonly path: string
  readonly body: Buffer
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The number of concurrent requests. Default: the worst number for the body's size. */
  readonly parallel?: number
  /** Sent in chunks of one byte. */
  readonly isByteByByte?: boolean
}

const MB = 1_000_000
const NATIVE = '/connections/greedy/v1/chat/completions'
const UNIFIED = '/v1/chat/completions'

/**
 * The requests that took the most time or memory before there were bounds: as large as the bounds admit, and far
 * larger.
 */
export function worstBodies(): WorstBody[] {
  return [
    native('31 MB of empty arrays', messages('[],'.repeat(10 * MB), '[]')),
    native('31 MB of members', members(2.5 * MB)),
    native('31 MB of numbers', messages('0,'.repeat(15 * MB), '0')),
    native('31 MB of text', messages('', text('x'.repeat(31 * MB)))),
    native('31 MB of escapes', messages('', text('\\n'.repeat(15 * MB)))),
    native('31 MB of escaped quotes', messages('', text('\\"'.repeat(15 * MB)))),
    native('31 MB with many beginnings of a model member', messages('', text('\\"model\\":'.repeat(2.5 * MB)))),
    native('the most empty arrays that are admitted', messages('[],'.repeat(99_000), '[]')),
    native('the most members that are admitted', members(99_000)),
    native('the most items that are admitted', messages(`[${'"",'.repeat(999_000)}""],`, '{}')),
    native('few empty arrays, many requests', messages('[],'.repeat(1_300), '[]')),
    native('objects with unique member names', messages(shapes(45_000), '{}')),
    unified('the most messages that are admitted', messages(`${text('')},`.repeat(33_000), text('Hi'))),
    unified('invalid messages', messages('{},'.repeat(99_000), '{}')),
    unified('invalid content', messages('', `{"role":"user","content":[${'{},'.repeat(99_000)}{}]}`)),
    unified('null members', members(99_000, 'null')),
    unified('a schema of empty arrays', tools(`[${'[],'.repeat(98_000)}[]]`)),
    unified('31 MB of text', messages('', text('x'.repeat(31 * MB)))),
    unified('31 MB of escapes', messages('', text('\\n'.repeat(15 * MB)))),
    { ...native('4 MB, a byte at a time', messages('', text('x'.repeat(4 * MB)))), isByteByByte: true },
    {
      name: 'form: 31 MB of empty fields',
      path: '/connections/restricted/v1/audio/transcriptions',
      contentType: 'multipart/form-data; boundary=b',
      body: Buffer.from(`${'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n'.repeat(580_000)}--b--\r\n`),
    },
    {
      ...native(
        '31 MB bodies that wait for a permit',
        messages('', text('x'.repeat(31 * MB))),
        '/connections/full/v1/chat/completions',
      ),
      headers: { 'x-sluice-max-wait': '600' },
      parallel: 64,
    },
  ]
}

function native(name: string, body: Buffer, path = NATIVE): WorstBody {
  return { name: `native: ${name}`, path, body }
}

function unified(name: string, body: Buffer): WorstBody {
  return { name: `unified: ${name}`, path: UNIFIED, body }
}

function messages(list: string, last: string): Buffer {
  return Buffer.from(`{"model":"greedy-anthropic/claude-opus-4-7","messages":[${list}${last}]}`)
}

function text(content: string): string {
  return `{"role":"user","content":"${content}"}`
}

function members(count: number, value = '0'): Buffer {
  const list = Array.from({ length: count }, (_, at) => `"m${at}":${value}`)
  return Buffer.from(`{"model":"greedy-anthropic/claude-opus-4-7","messages":[],${list.join()}}`)
}

function shapes(count: number): string {
  return Array.from({ length: count }, (_, at) => `{"s${at}":0},`).join('')
}

function tools(parameters: string): Buffer {
  const tool = `{"type":"function","function":{"name":"f","parameters":{"a":${parameters}}}}`
  return Buffer.from(`{"model":"greedy-anthropic/claude-opus-4-7","messages":[${text('Hi')}],"tools":[${tool}]}`)
}
