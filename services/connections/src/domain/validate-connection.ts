import {
  type CapacityLimit,
  ConnectionInput,
  ConnectionPatch,
  documentErrors,
  type FieldError,
  orNull,
  type ProviderId,
  SluiceError,
} from '@sluice/contracts'
import { baseUrlFault, type CatalogueEntry, catalogueEntry, secretFields } from '@sluice/providers'
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
  const errors = inWords(documentErrors(ConnectionInput, document))
  const given = fieldsOf(document)
  const provider = catalogueEntry(given.provider)
  if (provider !== undefined) {
    errors.push(...providerErrors(provider, given.config, rules))
  }
  errors.push(...duplicatePeriods(given.capacity))
  if (provider === undefined || errors.length > 0) throw invalidDocument(errors)
  const input = document as ConnectionInput
  return { input, provider, ...partedConfig(provider, input.config) }
}

/**
 * Checks a change of `connection`. Its config is merged field by field, so every field of it may be absent, and null where it is to be.
 * @throws SluiceError `invalid_request` with everything that is wrong, one entry a field
 */
export function validatePatch(document: unknown, connection: Connection, rules: ConnectionRules): ValidPatch {
  const errors = inWords(documentErrors(ConnectionPatch, document), { provider: 'cannot be changed' })
  const given = fieldsOf(document)
  const provider = catalogueEntry(connection.provider)
  if (provider === undefined) throw new SluiceError('internal', `stored provider ${connection.provider} is not known`)
  if (given.config !== undefined) {
    errors.push(...configErrors(configPatch(provider), given.config, rules))
  }
  errors.push(...duplicatePeriods(given.capacity))
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
  const errors = configErrors(provider.config, config, rules)
  return rules.isAvailable(provider.id)
    ? errors
    : [...errors, { field: 'provider', message: 'is not available in this version' }]
}

/** The errors, those of single fields in words that say more than the schema can. */
function inWords(errors: readonly FieldError[], words: Readonly<Record<string, string>> = {}): FieldError[] {
  return errors.map(({ field, message }) => {
    const isPattern = field === 'name' && message.startsWith('must match pattern')
    return { field, message: words[field] ?? (isPattern ? NAME_RULE : message) }
  })
}

const NAME_RULE = 'must be lower-case letters, digits and hyphens, beginning with a letter or digit, at most 63'

function configErrors(schema: TObject, config: unknown, rules: ConnectionRules): FieldError[] {
  if (config === undefined) return [] // Told as missing already.
  const errors = documentErrors(schema, config, 'config')
  const { baseUrl } = fieldsOf(config)
  const fault =
    typeof baseUrl === 'string'
      ? baseUrlFault(baseUrl, { allowInsecureLoopback: rules.allowInsecureUpstream })
      : undefined
  return fault === undefined ? errors : [...errors, { field: 'config.baseUrl', message: fault }]
}

function duplicatePeriods(capacity: unknown): FieldError[] {
  if (!Array.isArray(capacity)) return []
  const periods = (capacity as readonly Partial<CapacityLimit>[]).map((limit) => fieldsOf(limit).period)
  return periods.flatMap((period, index) =>
    typeof period === 'string' && periods.indexOf(period) < index
      ? [{ field: `capacity.${index}.period`, message: `there is another entry for the period "${period}"` }]
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
