import { styleText } from 'node:util'
import { prettyFactory } from 'pino-pretty'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

/** Takes one line that the process of that name wrote. */
export type ProcessLog = (processName: string, line: string) => void

export interface PrefixedLogOptions {
  readonly format: 'text' | 'json'
  readonly color: boolean
  /** Takes text with its line break. */
  readonly write: (text: string) => void
}

const NAME_WIDTH = 'control-plane'.length
const COLORS = ['cyan', 'magenta', 'blue', 'yellow', 'green', 'cyanBright', 'magentaBright', 'blueBright'] as const
const INFO = 30

/**
 * Returns one log of many processes. As text, each line stands behind its process's name: `gateway-1     |
 * 10:14:07.311 INFO ready`; of a process that runs several services, behind the service's. As JSON, pino's lines pass
 * unchanged and others are made into such.
 */
export function createPrefixedLog({ format, color, write }: PrefixedLogOptions): ProcessLog {
  if (format === 'json') {
    return (name, line) => write(`${parseLogLine(line) === undefined ? toJsonLine(name, INFO, line) : line}\n`)
  }
  const prefixes = new Map<string, string>()
  const prefixOf = (name: string): string => {
    const known = prefixes.get(name)
    if (known !== undefined) return known
    const plain = `${name.padEnd(NAME_WIDTH)} |`
    const hue = COLORS[prefixes.size % COLORS.length] ?? 'cyan'
    const prefix = color ? styleText(hue, plain, { validateStream: false }) : plain
    prefixes.set(name, prefix)
    return prefix
  }
  return (name, line) => {
    const service = parseLogLine(line)?.name
    const writer = service === undefined || name.startsWith(service) ? name : service
    write(`${prefixOf(writer)} ${readableLine(line, { color })}\n`)
  }
}

/** Returns a line as pino writes it. */
export function toJsonLine(name: string, level: number, message: string): string {
  return JSON.stringify({ level, time: new Date().toISOString(), name, msg: message })
}

const LogLine = Type.Object({ level: Type.Number(), name: Type.Optional(Type.String()) })

/** Parses a line of pino's; returns undefined for any other text. */
function parseLogLine(line: string): Type.Static<typeof LogLine> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return Value.Check(LogLine, value) ? value : undefined
  } catch {
    return undefined
  }
}

const MAX_ERROR_CHARS = 200

const prettify = {
  plain: prettyFactory(options(false)),
  colored: prettyFactory(options(true)),
}

/**
 * Returns a line of pino's for people to read: time of day (UTC), level, message, fields. Other text stays as it is.
 */
export function readableLine(line: string, { color }: { readonly color: boolean }): string {
  if (parseLogLine(line) === undefined) return line
  return prettify[color ? 'colored' : 'plain'](line).trimEnd()
}

function options(colorize: boolean) {
  return {
    colorize,
    singleLine: true,
    ignore: 'pid,hostname,name',
    translateTime: 'UTC:HH:MM:ss.l',
    // The stack is for the JSON format: here it would hide the other processes' lines.
    errorLikeObjectKeys: [],
    customPrettifiers: { err: errorText },
  }
}

/** pino's error serializer writes `{type, message, stack, …}`. */
function errorText(value: string | object): string {
  if (typeof value === 'string' || !('message' in value)) return JSON.stringify(value)
  const type = 'type' in value ? `${String(value.type)}: ` : ''
  return `${type}${String(value.message)}`.slice(0, MAX_ERROR_CHARS)
}
