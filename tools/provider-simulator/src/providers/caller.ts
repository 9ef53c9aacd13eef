import type { AccountDirectory } from '../core/accounts.ts'
import type { Caller } from './simulated-provider.ts'

/** Who sent this API key. */
export function callerByApiKey(apiKey: string | undefined, accounts: AccountDirectory): Caller {
  if (apiKey === undefined || apiKey === '') return { status: 'missing-api-key' }
  const account = accounts.get(apiKey)
  return account === undefined ? { status: 'unknown-api-key', apiKey } : { status: 'known', account }
}
