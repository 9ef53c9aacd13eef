import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Account } from './core/accounts.ts'
import { isProviderId, type ProviderId, providerIds } from './providers.ts'

/** The program's settings, from environment variables. */
export interface Settings {
  /** `PROVIDER`. Default: openai. */
  readonly provider: ProviderId
  /** `HOST`. Default: 127.0.0.1. */
  readonly host: string
  /** `PORT`; 0 for any free port. Default: 8090. */
  readonly port: number
  /**
   * `ACCOUNTS`: a JSON array. Default: the key `sk-simulator` with 500 requests and 200,000 tokens per minute, and a
   * role.
   */
  readonly accounts: readonly Account[]
}

/** A setting is invalid; the message names it and says what it has to be. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly code = 'invalid_settings'
}

/** @throws SettingsError */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  return {
    provider: readProvider(environment.PROVIDER),
    host: environment.HOST ?? '127.0.0.1',
    port: readPort(environment.PORT),
    accounts: environment.ACCOUNTS === undefined ? DEFAULT_ACCOUNTS : readAccounts(environment.ACCOUNTS),
  }
}

const DEFAULT_ACCOUNTS: readonly Account[] = [
  {
    apiKey: 'sk-simulator',
    limits: { requests: { limit: 500, period: 'minute' }, tokens: { limit: 200_000, period: 'minute' } },
    role: {
      arn: 'arn:aws:iam::123456789012:role/simulator',
      region: 'us-east-1',
    },
  },
]

const accountList = Compile(Type.Array(Account))

function readProvider(text = 'openai'): ProviderId {
  if (isProviderId(text)) return text
  throw new SettingsError(`PROVIDER must be one of ${providerIds.join(', ')}, not "${text}"`)
}

function readPort(text = '8090'): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new SettingsError(`PORT must be a number from 0 to 65535, not "${text}"`)
}

function readAccounts(text: string): Static<typeof Account>[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new SettingsError('ACCOUNTS must be a JSON array of accounts', { cause })
  }
  if (accountList.Check(value)) return value
  const [error] = accountList.Errors(value)
  throw new SettingsError(`ACCOUNTS${error?.instancePath ?? ''}: ${error?.message ?? 'not a list of accounts'}`)
}
