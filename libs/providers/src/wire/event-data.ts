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
  const field = startsWithData(block) ? 0 : block.indexOf(NEXT_DATA_LINE) + 1
  if (field === 0 && !startsWithData(block)) return undefined
  let start = field + DATA.length
  if (block[start] === SPACE) start++
  const newline = block.indexOf(LF, start)
  let end = newline < 0 ? block.length : newline
  if (newline >= 0 && block.indexOf(NEXT_DATA_LINE, newline) >= 0) return undefined
  if (block[end - 1] === CR) end--
  return { start, end }
}

function startsWithData(block: Buffer): boolean {
  return block[0] === 0x64 && block[1] === 0x61 && block[2] === 0x74 && block[3] === 0x61 && block[4] === 0x3a
}

const DATA = 'data:'
const NEXT_DATA_LINE = Buffer.from('\ndata:')
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
