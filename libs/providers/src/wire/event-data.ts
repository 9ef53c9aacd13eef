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
  const field = first < 0 ? block.indexOf(NEXT_DATA_LINE) + 1 : first
  if (field === 0 && first < 0) return undefined
  let start = field + DATA.length
  if (block[start] === SPACE) start++
  const newline = block.indexOf(LF, start)
  let end = newline < 0 ? block.length : newline
  if (newline >= 0 && block.indexOf(NEXT_DATA_LINE, newline) >= 0) return undefined
  if (block[end - 1] === CR) end--
  return { start, end }
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
    .split(/\r?\n/)
    .filter((line) => line.startsWith(DATA))
  if (lines.length === 0) return undefined
  return Buffer.from(lines.map((line) => line.slice(DATA.length).replace(/^ /, '')).join('\n'), 'latin1')
}

const DATA = 'data:'
const NEXT_DATA_LINE = Buffer.from('\ndata:')
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
