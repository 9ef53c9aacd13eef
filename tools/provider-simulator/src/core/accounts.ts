import { type Static, Type } from 'typebox'
import { AccountRole } from './account-role.ts'
import type { Clock } from './clock.ts'
import { Limits } from './limits.ts'
import { createRateLimiter, type RateLimiter } from './rate-limiter.ts'

/**
 * One API key and what it may use. Without limits it is never refused. With AWS, where a role takes the place of the
 * key, `apiKey` is only the account's name here: for controls and records.
 */
export const Account = Type.Object(
  {
    apiKey: Type.String({ minLength: 1 }),
    organization: Type.Optional(Type.String({ minLength: 1 })),
    /** For AWS alone, which knows no other way in. */
    role: Type.Optional(AccountRole),
    /** For every model, each with buckets of its own. */
    limits: Type.Optional(Limits),
    /** By model; takes the place of `limits` for that model. */
    modelLimits: Type.Optional(Type.Record(Type.String(), Limits)),
  },
  { additionalProperties: false },
)
export type Account = Static<typeof Account>

/** What identifying a caller needs of the accounts. */
export interface AccountDirectory {
  get(apiKey: string): Account | undefined
  list(): readonly Account[]
}

export class Accounts implements AccountDirectory {
  readonly #byApiKey = new Map<string, Registration>()
  readonly #clock: Clock

  constructor(accounts: readonly Account[], clock: Clock) {
    this.#clock = clock
    for (const account of accounts) this.register(account)
  }

  /** Adds an account, or replaces the one with the same key; its buckets are full again. */
  register(account: Account): void {
    this.#byApiKey.set(account.apiKey, { account, limiters: new Map() })
  }

  /** Takes the key away, as a provider does with a revoked one; false if it was not registered. */
  remove(apiKey: string): boolean {
    return this.#byApiKey.delete(apiKey)
  }

  get(apiKey: string): Account | undefined {
    return this.#byApiKey.get(apiKey)?.account
  }

  list(): readonly Account[] {
    return Array.from(this.#byApiKey.values(), ({ account }) => account)
  }

  /** The buckets of an account for a model, full at their first use. @throws RangeError if the key is not registered */
  limiter(apiKey: string, model: string): RateLimiter {
    const registration = this.#byApiKey.get(apiKey)
    if (registration === undefined) throw new RangeError('no account with this API key')
    const { account, limiters } = registration
    const existing = limiters.get(model)
    if (existing !== undefined) return existing
    const created = createRateLimiter(account.modelLimits?.[model] ?? account.limits ?? {}, this.#clock())
    limiters.set(model, created)
    return created
  }
}

interface Registration {
  readonly account: Account
  readonly limiters: Map<string, RateLimiter>
}
