import { type Static, Type } from 'typebox'
import type { Clock } from './clock.ts'
import { createRateLimiter, Limits, type RateLimiter } from './rate-limiter.ts'

const Text = Type.String({ minLength: 1 })

/** The role whose sessions may call Bedrock on behalf of the account. `tools/aws-simulator` hands out sessions. */
const AccountRole = Type.Object(
  {
    arn: Type.String({ pattern: '^arn:aws:iam::\\d{12}:role/[\\w+=,.@/-]+$' }),
    /** The only region in which they may. */
    region: Text,
  },
  { additionalProperties: false },
)

/**
 * One API key and what it may use. Without limits it is never refused. For AWS, where a role takes the place of the
 * key, `apiKey` is only the name of the account in controls and records.
 */
export const Account = Type.Object(
  {
    apiKey: Text,
    organization: Type.Optional(Text),
    /** For AWS only, and required there. */
    role: Type.Optional(AccountRole),
    /** For every model; each has its own buckets. */
    limits: Type.Optional(Limits),
    /** By model; replaces `limits` for that model. */
    modelLimits: Type.Optional(Type.Record(Type.String(), Limits)),
  },
  { additionalProperties: false },
)
export type Account = Static<typeof Account>

/** The accounts as they are needed to identify a caller. */
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

  /** Adds an account, or replaces the one with the same key, with full buckets. */
  register(account: Account): void {
    this.#byApiKey.set(account.apiKey, { account, limiters: new Map() })
  }

  /** Removes an account, as a provider does when a key is revoked. Returns false if the key was not registered. */
  remove(apiKey: string): boolean {
    return this.#byApiKey.delete(apiKey)
  }

  get(apiKey: string): Account | undefined {
    return this.#byApiKey.get(apiKey)?.account
  }

  list(): readonly Account[] {
    return Array.from(this.#byApiKey.values(), ({ account }) => account)
  }

  /**
   * Returns the buckets of an account for a model, full at their first use.
   * @throws RangeError if the key is not registered
   */
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
