import { CredentialRotation, documentErrors, type FieldError } from '@sluice/contracts'
import { catalogueEntry, secretFields } from '@sluice/providers'
import type { Connection } from './connection.ts'
import {
  type ConnectionRules,
  fieldsOf,
  invalidDocument,
  type ValidPatch,
  validatePatch,
} from './validate-connection.ts'

/**
 * Checks a new credential for `connection`: a change of its config that has every secret field of its provider.
 * @throws SluiceError `invalid_request` with everything that is wrong, one entry a field
 */
export function validateRotation(document: unknown, connection: Connection, rules: ConnectionRules): ValidPatch {
  const entry = catalogueEntry(connection.provider)
  const secrets = entry === undefined ? [] : secretFields(entry)
  const errors = documentErrors(CredentialRotation, document)
  if (errors.length === 0) errors.push(...missingSecrets(secrets, fieldsOf(document).config))
  if (errors.length > 0) throw invalidDocument(errors)
  return validatePatch(document, connection, rules)
}

function missingSecrets(secrets: readonly string[], config: unknown): FieldError[] {
  if (secrets.length === 0) return [{ field: 'config', message: 'this provider has no credential to rotate' }]
  const given = fieldsOf(config)
  const missing = secrets.filter((name) => given[name] === undefined)
  return missing.map((name) => ({ field: `config.${name}`, message: 'is required' }))
}
