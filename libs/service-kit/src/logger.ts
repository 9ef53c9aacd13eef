import { type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino'
import { type Static, Type } from 'typebox'

export type { Logger }

export type LogLevel = Static<typeof LogLevel>
export const LogLevel = Type.Union(
  [
    Type.Literal('trace'),
    Type.Literal('debug'),
    Type.Literal('info'),
    Type.Literal('warn'),
    Type.Literal('error'),
    Type.Literal('fatal'),
    Type.Literal('silent'),
  ],
  { default: 'info' },
)

/**
 * Creates a logger of JSON lines on standard output. Redacts headers and fields with secrets in the first three levels
 * of each line; secrets elsewhere are in `Secret` holders, which print as `[redacted]`. Of an error (`err`), logs type,
 * message, code and stack, and those of its causes. Other properties, which libraries attach (the bytes that could not
 * be parsed, the row that was rejected), may contain secrets.
 */
export function createLogger(name: string, level: LogLevel): Logger {
  return pino({
    name,
    level,
    base: { name },
    timestamp: stdTimeFunctions.isoTime,
    serializers: { err: loggedError },
    redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
  })
}

function loggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { type, message, stack } = stdSerializers.err(error)
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const several = error instanceof AggregateError ? { aggregateErrors: error.errors.map(loggedError) } : {}
  return { type, message, ...code, stack, ...several }
}

const SECRET_FIELDS = [
  'authorization',
  '["x-api-key"]',
  '["x-goog-api-key"]',
  '["api-key"]',
  'cookie',
  '["set-cookie"]',
  'apiKey',
  'password',
  'masterKey',
  'token',
]

const REDACTED_PATHS = SECRET_FIELDS.flatMap((field) => {
  const member = field.startsWith('[') ? field : `.${field}`
  return [field, `*${member}`, `*.*${member}`]
})

/**
 * Logs a series of faults once when it starts (warn) and once when it ends (info); each retry in between is logged as
 * debug.
 */
export interface OutageLog {
  fault(error: unknown): void
  success(): void
}

/** The log messages at the start and at the end of a series of faults. */
export interface OutageWords {
  readonly begins: string
  readonly ends: string
}

export function outageLog(logger: Pick<Logger, 'warn' | 'debug' | 'info'>, { begins, ends }: OutageWords): OutageLog {
  let faults = 0
  return {
    fault: (error) => {
      faults += 1
      logger[faults === 1 ? 'warn' : 'debug']({ err: error }, begins)
    },
    success: () => {
      if (faults > 0) logger.info({ faults }, ends)
      faults = 0
    },
  }
}
