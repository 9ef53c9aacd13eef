import { styleText } from 'node:util'
import type { ProcessLog } from './log.ts'
import { parseLogLine, toJsonLine } from './log-line.ts'
import { readableLine } from './readable-line.ts'

export interface PrefixedLogOptions {
  readonly format: 'text' | 'json'
  readonly colour: boolean
  /** Takes text with its line break. */
  readonly write: (text: string) => void
}

const NAME_WIDTH = 'connections'.length
const COLOURS = ['cyan', 'magenta', 'blue', 'yellow', 'green', 'cyanBright', 'magentaBright', 'blueBright'] as const
const INFO = 30

/**
 * One log of many processes. As text, each line stands behind its process's name: `gateway-1   | 10:14:07.311 info ready`.
 * As JSON, pino's lines pass as they are and others are made into such.
 */
export function createPrefixedLog({ format, colour, write }: PrefixedLogOptions): ProcessLog {
  if (format === 'json') {
    return (name, line) => write(`${parseLogLine(line) === undefined ? toJsonLine(name, INFO, line) : line}\n`)
  }
  const prefixes = new Map<string, string>()
  const prefixOf = (name: string): string => {
    const known = prefixes.get(name)
    if (known !== undefined) return known
    const plain = `${name.padEnd(NAME_WIDTH)} |`
    const hue = COLOURS[prefixes.size % COLOURS.length] ?? 'cyan'
    const prefix = colour ? styleText(hue, plain, { validateStream: false }) : plain
    prefixes.set(name, prefix)
    return prefix
  }
  return (name, line) => write(`${prefixOf(name)} ${readableLine(line, { colour })}\n`)
}
