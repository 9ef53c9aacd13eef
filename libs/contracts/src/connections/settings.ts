import { type Static, Type } from 'typebox'
import { CapacityLimit } from '../capacity/limits.ts'

/** What an operator may set on a connection besides its provider and credential. Shared by input, view and projection. */
export const connectionName = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
  errorMessage: 'must be lower-case letters, digits and hyphens, beginning with a letter or digit, at most 63',
})

export const connectionSettings = {
  description: Type.String({ maxLength: 1_000 }),
  /** Model names that may be used, `*` standing for any run of characters. Absent: every model. */
  allowedModels: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 200 }),
  /** At most one entry a period. Empty: not limited. */
  capacity: Type.Array(CapacityLimit, { maxItems: 3 }),
  /** Reserved for the answer where the caller states no maximum. */
  defaultMaxOutputTokens: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
  /**
   * How much of a stated output maximum is reserved: `bounded`, all of it up to a tenth of the smallest token limit and beyond that what
   * recent responses used; `maximum`, all of it; `expected`, what recent responses used.
   */
  tokenReservation: Type.Union([Type.Literal('bounded'), Type.Literal('maximum'), Type.Literal('expected')]),
  /** What happens to requests while no capacity instance answers. */
  onCapacityUnavailable: Type.Union([Type.Literal('reject'), Type.Literal('allow')]),
  /** How long a denied request may wait for its permit before it is answered 429; 0: not at all. */
  maxWaitMs: Type.Integer({ minimum: 0, maximum: 600_000 }),
  /** Whether what the provider's answers tell of its limits is held too, for each model: the lower of that and `capacity`. */
  enforceDiscovered: Type.Boolean(),
  /** Whether operations with which a provider hands out credentials, or administers the account, may go through. */
  allowAdministration: Type.Boolean(),
  /**
   * Whether the gateway asks for the usage of streams that tell it only when asked (`stream_options.include_usage`), where the application
   * does not.
   */
  requestStreamUsage: Type.Boolean(),
  enabled: Type.Boolean(),
} as const

/** What holds where an operator says nothing. */
export const CONNECTION_DEFAULTS = {
  capacity: [],
  defaultMaxOutputTokens: 1_024,
  tokenReservation: 'bounded',
  onCapacityUnavailable: 'reject',
  maxWaitMs: 0,
  enabled: true,
} satisfies Pick<
  { [Name in keyof typeof connectionSettings]: Static<(typeof connectionSettings)[Name]> },
  'capacity' | 'defaultMaxOutputTokens' | 'tokenReservation' | 'onCapacityUnavailable' | 'maxWaitMs' | 'enabled'
>
