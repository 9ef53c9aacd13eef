/** Where an event's data stands in its block: bytes from `start` to `end`. */
export interface DataSpan {
  readonly start: number
  readonly end: number
}

/**
 * The data of an event that has one `data` line, as all providers send them; undefined for comments, events without data,
 * and data of several lines.
 */
export function eventData(block: Buffer): DataSpan | undefined {
  const first = dataStart(block)
  const next = first < 0 ? nextDataLine(block, 0) : first - 1
  if (first < 0 && next < 0) return undefined
  let start = next + 1 + DATA.length
  if (block[start] === SPACE) start++
  let newline = block.indexOf(LF, start)
  // Every line of a block ends alike: with CR alone where there is no LF.
  if (newline < 0) newline = block.indexOf(CR, start)
  let end = newline < 0 ? block.length : newline
  if (newline >= 0 && nextDataLine(block, newline) >= 0) return undefined
  if (block[end - 1] === CR) end--
  return { start, end }
}

/** Where the line break before the next data line stands; below 0 where there is none. */
function nextDataLine(block: Buffer, from: number): number {
  // Most blocks end with the empty line after their data.
  if (block.length - from < NEXT_DATA_LINE.length) return -1
  const next = block.indexOf(NEXT_DATA_LINE, from)
  return next < 0 && block.indexOf(LF, from) < 0 ? block.indexOf(NEXT_CR_DATA_LINE, from) : next
}

/** Returns whether an event is called `error`, in a line before its data or after them. */
export function isErrorEvent(block: Buffer): boolean {
  if (block[0] === LETTER_E) return NAMED_ERROR.test(block.toString('latin1', 0, MAX_NAME_BYTES))
  let end = block.length
  while (block[end - 1] === LF || block[end - 1] === CR) end--
  // Most end with the JSON of their data.
  if (block[end - 1] === LETTER_R && ENDS_AS_ERROR.test(block.toString('latin1', end - MAX_NAME_BYTES, end)))
    return true
  if (block[0] === LETTER_D) return false
  const at = block.indexOf(EVENT_FIELD)
  return at > 0 && NAMED_ERROR.test(block.toString('latin1', at, at + MAX_NAME_BYTES))
}

/** Where a data line begins that is the block's first, after a byte order mark if there is one; -1 where it is none. */
function dataStart(block: Buffer): number {
  const at = block[0] === 0xef && block[1] === 0xbb && block[2] === 0xbf ? 3 : 0
  const isData =
    block[at] === 0x64 &&
    block[at + 1] === 0x61 &&
    block[at + 2] === 0x74 &&
    block[at + 3] === 0x61 &&
    block[at + 4] === 0x3a
  return isData ? at : -1
}

/** An event's data, also where they are several lines, which are put together; undefined where it has none. */
export function eventMessage(block: Buffer): Buffer | undefined {
  const span = eventData(block)
  if (span !== undefined) return block.subarray(span.start, span.end)
  if (block.indexOf(DATA) < 0) return undefined
  const lines = block
    .toString('latin1')
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith(DATA))
  if (lines.length === 0) return undefined
  return Buffer.from(lines.map((line) => line.slice(DATA.length).replace(/^ /, '')).join('\n'), 'latin1')
}

const DATA = 'data:'
const NEXT_DATA_LINE = Buffer.from('\ndata:')
const NEXT_CR_DATA_LINE = Buffer.from('\rdata:')
const EVENT_FIELD = 'event:'
const NAMED_ERROR = /^event: ?error[\r\n]/
const ENDS_AS_ERROR = /[\r\n]event: ?error$/
const MAX_NAME_BYTES = 16
const LETTER_D = 0x64
const LETTER_E = 0x65
const LETTER_R = 0x72
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
