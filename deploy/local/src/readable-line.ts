import { styleText } from 'node:util'
import { parseLogLine } from './log-line.ts'

const LEVELS = [
  { from: 60, label: 'FATAL', colour: 'red' },
  { from: 50, label: 'ERROR', colour: 'red' },
  { from: 40, label: 'WARN', colour: 'yellow' },
  { from: 30, label: 'info', colour: 'green' },
  { from: 20, label: 'debug', colour: 'gray' },
] as const
const TRACE = { label: 'trace', colour: 'gray' } as const
const MAX_VALUE_LENGTH = 120

/** A pino line for people: time of day (UTC), level, message, fields. Other text stays as it is. */
export function readableLine(line: string, { colour }: { readonly colour: boolean }): string {
  const parsed = parseLogLine(line)
  if (parsed === undefined) return line
  const { label, colour: hue } = LEVELS.find(({ from }) => parsed.level >= from) ?? TRACE
  const level = label.padEnd(5)
  const fields = Object.entries(parsed.fields).map(([name, value]) => `${name}=${readableValue(value)}`)
  const parts = [
    parsed.time?.slice(11, 23),
    colour ? styleText(hue, level, { validateStream: false }) : level,
    parsed.message,
  ]
  return [...parts, ...fields].filter((part) => part !== undefined && part !== '').join(' ')
}

function readableValue(value: unknown): string {
  const text = typeof value === 'string' ? value : (errorText(value) ?? JSON.stringify(value) ?? String(value))
  const shown = text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text
  return /[\s"]/.test(shown) ? JSON.stringify(shown) : shown
}

/** pino's error serializer makes `{type, message, stack, …}`. */
function errorText(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('message' in value) || !('stack' in value)) return undefined
  const type = 'type' in value ? `${String(value.type)}: ` : ''
  return `${type}${String(value.message)}`
}
