import { CapacityLimit, documentErrors, type FieldError, orNull, type ProviderId } from '@sluice/contracts'
import { baseUrlFault } from '@sluice/egress'
import { type CatalogueEntry, regionFault } from '@sluice/providers'
import { IsOptional, type TObject, type TSchema, Type } from 'typebox'
import { fieldsOf } from '../documents.ts'

export interface ConnectionRules {
  /** Returns whether the gateways can call this provider. */
  readonly isAvailable: (provider: ProviderId) => boolean
  /** Allows base URLs with http to loopback addresses. */
  readonly allowInsecureUpstream: boolean
}

/** Returns what is wrong with the config of a new connection to this provider, and with the provider itself. */
export function providerErrors(provider: CatalogueEntry, config: unknown, rules: ConnectionRules): FieldError[] {
  const errors = configErrors(provider, { schema: provider.config, config, after: fieldsOf(config) }, rules)
  return rules.isAvailable(provider.id)
    ? errors
    : [...errors, { field: 'provider', message: 'is not available in this version' }]
}

/** Returns what is wrong with a change of a stored config. */
export function patchedConfigErrors(
  provider: CatalogueEntry,
  stored: Readonly<Record<string, unknown>>,
  config: unknown,
  rules: ConnectionRules,
): FieldError[] {
  const after = { ...stored, ...fieldsOf(config) }
  return configErrors(provider, { schema: patchSchema(provider), config, after }, rules)
}

/** In a patch every field is optional, and null removes an optional one. */
function patchSchema({ config }: CatalogueEntry): TObject {
  const properties = Object.entries<TSchema>(config.properties)
  const fields = properties.map(([name, schema]) => [name, IsOptional(schema) ? orNull(schema) : Type.Optional(schema)])
  return Type.Object(Object.fromEntries(fields), { additionalProperties: false })
}

interface ConfigToCheck {
  readonly schema: TObject
  /** As it was sent. */
  readonly config: unknown
  /** The whole config as it would be stored. */
  readonly after: Readonly<Record<string, unknown>>
}

function configErrors(
  { id }: CatalogueEntry,
  { schema, config, after }: ConfigToCheck,
  rules: ConnectionRules,
): FieldError[] {
  if (config === undefined) return [] // The document's schema reports it as missing.
  const errors = documentErrors(schema, config, 'config').map(({ field, message }) => ({
    field,
    message: id === 'aws-bedrock' && AWS_KEYS.has(field) ? ROLE_ONLY : message,
  }))
  const { baseUrl, region } = fieldsOf(config)
  if (typeof baseUrl === 'string') {
    const fault =
      baseUrlFault(baseUrl, { allowInsecureLoopback: rules.allowInsecureUpstream }) ?? operationFault(baseUrl)
    if (fault !== undefined) errors.push({ field: 'config.baseUrl', message: fault })
  }
  const effectiveRegion = baseUrl === null ? after.region : region
  if (id === 'aws-bedrock' && typeof effectiveRegion === 'string') {
    const fault = regionFault(effectiveRegion, typeof after.baseUrl === 'string')
    // First, as it is more precise than the schema's pattern.
    if (fault !== undefined) errors.unshift({ field: 'config.region', message: fault })
  }
  return errors
}

/** Refuses a base URL that was copied with an operation's path: every request would go to a path below it. */
function operationFault(baseUrl: string): string | undefined {
  const operation = OPERATION.exec(baseUrl)?.[1]
  return operation === undefined ? undefined : `must end before "${operation}", which each request adds`
}

const OPERATION = new RegExp(
  [
    String.raw`(\/chat\/completions`,
    String.raw`|(?<=\/v1)\/(?:completions|responses|embeddings|moderations|models|messages(?:\/count_tokens|\/batches)?`,
    String.raw`|audio\/(?:speech|transcriptions|translations)|images\/(?:generations|edits|variations)|files|batches)`,
    String.raw`|(?<=\/v1(?:alpha|beta)?)\/models\/[^/:]+:[a-zA-Z]+`,
    String.raw`|\/model\/[^/]+\/(?:converse(?:-stream)?|invoke(?:-with-response-stream)?|count-tokens))\/*$`,
  ].join(''),
)
const AWS_KEYS: ReadonlySet<string> = new Set([
  'config.accessKeyId',
  'config.apiKey',
  'config.secretAccessKey',
  'config.sessionToken',
])
const ROLE_ONLY = 'is not accepted: AWS Bedrock is used with an IAM role only, set iamRoleArn'

/** Returns what no schema can express about limits: each period appears once, and no entry is empty. */
export function capacityErrors(capacity: unknown): FieldError[] {
  if (!Array.isArray(capacity)) return []
  const entries = capacity.map((entry: unknown) => fieldsOf(entry))
  return [...duplicatePeriods(entries), ...emptyLimits(entries)]
}

type Entries = readonly Readonly<Record<string, unknown>>[]

function duplicatePeriods(entries: Entries): FieldError[] {
  const periods = entries.map(({ period }) => period)
  return periods.flatMap((period, index) =>
    typeof period === 'string' && periods.indexOf(period) < index
      ? [
          {
            field: `capacity.${index}.period`,
            message: `is "${period}" twice: put all limits of a period in one entry`,
          },
        ]
      : [],
  )
}

function emptyLimits(entries: Entries): FieldError[] {
  return entries.flatMap((entry, index) => {
    const isEmpty = typeof entry.period === 'string' && !LIMITS.some((name) => entry[name] !== undefined)
    return isEmpty ? [{ field: `capacity.${index}`, message: `has no limit: set ${LIMITS.join(' or ')}` }] : []
  })
}

const LIMITS = Object.keys(CapacityLimit.properties).filter((name) => name !== 'period' && name !== 'enabled')
