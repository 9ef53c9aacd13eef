/** What a program's log line says, as far as it can be told. */
export interface LogLine {
  /** pino's number: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal */
  readonly level: number
  /** ISO 8601; absent when the line does not say */
  readonly time?: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Reads a pino line; undefined for any other text. */
export function parseLogLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined
  const value = parseObject(line)
  if (value === undefined || typeof value.level !== 'number') return undefined
  const { level, time, name: _name, pid: _pid, hostname: _hostname, msg, ...fields } = value
  const at =
    typeof time === 'string' ? { time } : typeof time === 'number' ? { time: new Date(time).toISOString() } : {}
  return { level, ...at, message: typeof msg === 'string' ? msg : '', fields }
}

/** Writes a line as pino would. */
export function toJsonLine(name: string, level: number, message: string): string {
  return JSON.stringify({ level, time: new Date().toISOString(), name, msg: message })
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
