import {
  CapacityLimit,
  ConnectionInput,
  ConnectionPatch,
  documentErrors,
  type FieldError,
  orNull,
  type ProviderId,
  SluiceError,
} from '@sluice/contracts'
import { baseUrlFault } from '@sluice/egress'
import { type CatalogueEntry, catalogueEntry, regionFault, secretFields } from '@sluice/providers'
import { IsOptional, type TObject, type TSchema, Type } from 'typebox'
import type { Connection } from './connection.ts'
import type { CredentialFields } from './credential.ts'

export interface ConnectionRules {
  /** Whether the gateways can call this provider. */
  readonly isAvailable: (provider: ProviderId) => boolean
  /** Whether a base URL may be http to this machine itself. */
  readonly allowInsecureUpstream: boolean
}

/** A document that is right, its config parted into what may be shown and what may not. */
export interface ValidConnection {
  readonly input: ConnectionInput
  readonly provider: CatalogueEntry
  readonly publicConfig: Readonly<Record<string, unknown>>
  readonly secrets: CredentialFields
}

export interface ValidPatch {
  readonly patch: ConnectionPatch
  readonly publicConfig: Readonly<Record<string, unknown>>
  /** Empty: the credential stays. */
  readonly secrets: CredentialFields
}

/**
 * Checks a new connection against its schema, its provider's config schema and the rules that no schema can hold.
 * @throws SluiceError `invalid_request` with everything that is wrong, one entry a field
 */
export function validateConnection(document: unknown, rules: ConnectionRules): ValidConnection {
  const errors = documentErrors(ConnectionInput, document)
  const given = fieldsOf(document)
  const provider = catalogueEntry(given.provider)
  if (provider !== undefined) {
    errors.push(...providerErrors(provider, given.config, rules))
  }
  errors.push(...capacityErrors(given.capacity))
  if (provider === undefined || errors.length > 0) throw invalidDocument(errors)
  const input = document as ConnectionInput
  return { input, provider, ...partedConfig(provider, input.config) }
}

/**
 * Checks a change of `connection`. Its config is merged field by field, so every field of it may be absent, and null where it is to be.
 * @throws SluiceError `invalid_request` with everything that is wrong, one entry a field
 */
export function validatePatch(document: unknown, connection: Connection, rules: ConnectionRules): ValidPatch {
  const errors = documentErrors(ConnectionPatch, document).map((error) =>
    error.field === 'provider' ? { ...error, message: 'cannot be changed: make another connection' } : error,
  )
  const given = fieldsOf(document)
  const provider = catalogueEntry(connection.provider)
  if (provider === undefined) throw new SluiceError('internal', `stored provider ${connection.provider} is not known`)
  if (given.config !== undefined) {
    const after = { ...connection.config, ...fieldsOf(given.config) }
    errors.push(...configErrors(provider, { schema: configPatch(provider), config: given.config, after }, rules))
  }
  errors.push(...capacityErrors(given.capacity))
  if (errors.length > 0) throw invalidDocument(errors)
  const patch = document as ConnectionPatch
  return { patch, ...partedConfig(provider, patch.config ?? {}) }
}

/** What a change may say of the config: `null` takes out what may be absent. */
function configPatch({ config }: CatalogueEntry): TObject {
  const properties = Object.entries<TSchema>(config.properties)
  const fields = properties.map(([name, schema]) => [name, IsOptional(schema) ? orNull(schema) : Type.Optional(schema)])
  return Type.Object(Object.fromEntries(fields), { additionalProperties: false })
}

/** The fault of a document with these errors: the first one of each field. */
export function invalidDocument(errors: readonly FieldError[]): SluiceError {
  const firsts = errors.filter(({ field }, index) => errors.findIndex((error) => error.field === field) === index)
  return new SluiceError('invalid_request', 'The document is not valid.', { fields: firsts })
}

/** What is wrong with the config of a new connection to this provider, and with the provider itself. */
export function providerErrors(provider: CatalogueEntry, config: unknown, rules: ConnectionRules): FieldError[] {
  const errors = configErrors(provider, { schema: provider.config, config, after: fieldsOf(config) }, rules)
  return rules.isAvailable(provider.id)
    ? errors
    : [...errors, { field: 'provider', message: 'is not available in this version' }]
}

interface ConfigToCheck {
  readonly schema: TObject
  /** As it was sent. */
  readonly config: unknown
  /** The whole config as it would be. */
  readonly after: Readonly<Record<string, unknown>>
}

function configErrors(
  { id }: CatalogueEntry,
  { schema, config, after }: ConfigToCheck,
  rules: ConnectionRules,
): FieldError[] {
  if (config === undefined) return [] // Told as missing already.
  const errors = documentErrors(schema, config, 'config').map(({ field, message }) => ({
    field,
    message: (id === 'aws-bedrock' && AWS_KEYS.has(field) && BY_ROLE_ONLY) || message,
  }))
  const { baseUrl, region } = fieldsOf(config)
  if (typeof baseUrl === 'string') {
    const fault =
      baseUrlFault(baseUrl, { allowInsecureLoopback: rules.allowInsecureUpstream }) ?? operationFault(baseUrl)
    if (fault !== undefined) errors.push({ field: 'config.baseUrl', message: fault })
  }
  const stated = fieldsOf(config).baseUrl === null ? after.region : region
  if (id === 'aws-bedrock' && typeof stated === 'string') {
    const fault = regionFault(stated, typeof after.baseUrl === 'string')
    // Says more than its pattern does.
    if (fault !== undefined) errors.unshift({ field: 'config.region', message: fault })
  }
  return errors
}

/** A base URL that was copied with an operation's path: every request would go to a path below it. */
function operationFault(baseUrl: string): string | undefined {
  const [, operation] = OPERATION.exec(baseUrl) ?? []
  return operation === undefined ? undefined : `must end before "${operation}", which requests bring themselves`
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
const BY_ROLE_ONLY = 'is not taken: AWS Bedrock is reached by a role alone, which iamRoleArn names'

/** What no schema can hold of the limits: each period once, and no entry without a limit. */
function capacityErrors(capacity: unknown): FieldError[] {
  return [...duplicatePeriods(capacity), ...emptyLimits(capacity)]
}

function emptyLimits(capacity: unknown): FieldError[] {
  if (!Array.isArray(capacity)) return []
  return capacity.flatMap((entry: unknown, index) => {
    const given = fieldsOf(entry)
    const isEmpty = typeof given.period === 'string' && !LIMITS.some((name) => given[name] !== undefined)
    return isEmpty ? [{ field: `capacity.${index}`, message: `limits nothing: give ${LIMITS.join(' or ')}` }] : []
  })
}

const LIMITS = Object.keys(CapacityLimit.properties).filter((name) => name !== 'period' && name !== 'enabled')

function duplicatePeriods(capacity: unknown): FieldError[] {
  if (!Array.isArray(capacity)) return []
  const periods = (capacity as readonly Partial<CapacityLimit>[]).map((limit) => fieldsOf(limit).period)
  return periods.flatMap((period, index) =>
    typeof period === 'string' && periods.indexOf(period) < index
      ? [
          {
            field: `capacity.${index}.period`,
            message: `is "${period}" as in another entry: one entry holds all limits of a period`,
          },
        ]
      : [],
  )
}

/** The config, its secret fields apart. */
export function partedConfig(provider: CatalogueEntry, config: Readonly<Record<string, unknown>>) {
  const secretNames = secretFields(provider)
  const isSecret = ([name]: [string, unknown]) => secretNames.includes(name)
  const entries = Object.entries(config)
  return {
    publicConfig: Object.fromEntries(entries.filter((entry) => !isSecret(entry))),
    secrets: Object.fromEntries(entries.filter(isSecret)) as CredentialFields,
  }
}

/** The document's fields; none where it is no object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
