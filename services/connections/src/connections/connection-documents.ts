import {
  ConnectionInput,
  ConnectionPatch,
  ConnectionTestInput,
  type CredentialFields,
  CredentialRotation,
  documentErrors,
  type FieldError,
  SluiceError,
} from '@sluice/contracts'
import { type CatalogueEntry, catalogueEntry, secretFields } from '@sluice/providers'
import { fieldsOf, parseDocument, requireNoErrors } from '../documents.ts'
import { type ConnectionRules, capacityErrors, patchedConfigErrors, providerErrors } from './config-errors.ts'
import type { Connection } from './connection.ts'

/** A config, split into what may be shown and what may not. */
interface SplitConfig {
  readonly publicConfig: Readonly<Record<string, unknown>>
  /** Empty: none was given. */
  readonly secrets: CredentialFields
}

export interface ValidConnection extends SplitConfig {
  readonly input: ConnectionInput
  readonly provider: CatalogueEntry
}

export interface ValidConnectionTest extends SplitConfig {
  readonly input: ConnectionTestInput
  readonly provider: CatalogueEntry
}

export interface ValidPatch extends SplitConfig {
  readonly patch: ConnectionPatch
}

/**
 * Validates a new connection against its schema, its provider's config schema, and the rules that no schema can
 * express.
 * @throws SluiceError `invalid_request` with everything that is wrong, one entry per field
 */
export function validateConnection(document: unknown, rules: ConnectionRules): ValidConnection {
  const given = fieldsOf(document)
  const provider = catalogueEntry(given.provider)
  const errors = provider === undefined ? [] : providerErrors(provider, given.config, rules)
  const input = parseDocument(ConnectionInput, document, [...errors, ...capacityErrors(given.capacity)])
  return { input, ...withProvider(provider, input.config) }
}

/**
 * Validates a connection that is tested without being stored, by the same rules.
 * @throws SluiceError `invalid_request` with everything that is wrong, one entry per field
 */
export function validateConnectionTest(document: unknown, rules: ConnectionRules): ValidConnectionTest {
  const given = fieldsOf(document)
  const provider = catalogueEntry(given.provider)
  const errors = provider === undefined ? [] : providerErrors(provider, given.config, rules)
  // A role is assumed with the external id of its connection or not at all: callers must not choose one.
  if (provider?.generatesExternalId === true) errors.push({ field: 'provider', message: NO_EXTERNAL_ID })
  const input = parseDocument(ConnectionTestInput, document, errors)
  return { input, ...withProvider(provider, input.config) }
}

const NO_EXTERNAL_ID =
  'can be tested once the connection exists: creating it generates the external id that the role is assumed with'

/**
 * Validates a change of `connection`. Its config is merged field by field, so every field of it may be absent, or null
 * to be removed.
 * @throws SluiceError `invalid_request` with everything that is wrong, one entry per field
 */
export function validatePatch(document: unknown, connection: Connection, rules: ConnectionRules): ValidPatch {
  const provider = storedProvider(connection)
  const given = fieldsOf(document)
  const errors = documentErrors(ConnectionPatch, document).map((error) =>
    error.field === 'provider' ? { ...error, message: 'cannot be changed: create another connection' } : error,
  )
  if (given.config !== undefined) errors.push(...patchedConfigErrors(provider, connection.config, given.config, rules))
  errors.push(...capacityErrors(given.capacity))
  requireNoErrors(errors)
  const patch = parseDocument(ConnectionPatch, document)
  return { patch, ...splitConfig(provider, patch.config ?? {}) }
}

/**
 * Validates a new credential for `connection`: a change of its config that has every secret field of its provider.
 * @throws SluiceError `invalid_request` with everything that is wrong, one entry per field
 */
export function validateRotation(document: unknown, connection: Connection, rules: ConnectionRules): ValidPatch {
  const { config } = parseDocument(CredentialRotation, document)
  requireNoErrors(missingSecrets(secretFields(storedProvider(connection)), config))
  return validatePatch(document, connection, rules)
}

function missingSecrets(secrets: readonly string[], given: Readonly<Record<string, unknown>>): FieldError[] {
  if (secrets.length === 0) return [{ field: 'config', message: 'this provider has no credential to rotate' }]
  const missing = secrets.filter((name) => given[name] === undefined)
  return missing.map((name) => ({ field: `config.${name}`, message: 'is required' }))
}

function storedProvider({ provider }: Connection): CatalogueEntry {
  const entry = catalogueEntry(provider)
  if (entry === undefined) throw new SluiceError('internal', `the stored provider ${provider} is unknown`)
  return entry
}

function withProvider(provider: CatalogueEntry | undefined, config: Readonly<Record<string, unknown>>) {
  if (provider === undefined) throw new SluiceError('internal', 'a provider of the contract is not in the catalogue')
  return { provider, ...splitConfig(provider, config) }
}

/** Splits off the provider's secret fields, which its schema has as text. */
function splitConfig(provider: CatalogueEntry, config: Readonly<Record<string, unknown>>): SplitConfig {
  const names = new Set(secretFields(provider))
  const publicConfig: Record<string, unknown> = {}
  const secrets: Record<string, string> = {}
  for (const [name, value] of Object.entries(config)) {
    if (names.has(name) && typeof value === 'string') secrets[name] = value
    else publicConfig[name] = value
  }
  return { publicConfig, secrets }
}
