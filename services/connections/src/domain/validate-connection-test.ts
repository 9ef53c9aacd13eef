import { ConnectionTestInput, documentErrors } from '@sluice/contracts'
import { catalogueEntry } from '@sluice/providers'
import {
  type ConnectionRules,
  fieldsOf,
  invalidDocument,
  partedConfig,
  providerErrors,
  type ValidConnection,
} from './validate-connection.ts'

/** As a {@link ValidConnection}, of what is only tried. */
export interface ValidConnectionTest extends Omit<ValidConnection, 'input'> {
  readonly input: ConnectionTestInput
}

/**
 * Checks a connection that is to be tried without being stored, by the rules of one that is.
 * @throws SluiceError `invalid_request` with everything that is wrong, one entry a field
 */
export function validateConnectionTest(document: unknown, rules: ConnectionRules): ValidConnectionTest {
  const errors = documentErrors(ConnectionTestInput, document)
  const given = fieldsOf(document)
  const provider = catalogueEntry(given.provider)
  if (provider !== undefined) {
    errors.push(...providerErrors(provider, given.config, rules))
    // A role is assumed with the external id of its connection or not at all: no caller may choose one.
    if (provider.generatesExternalId === true) errors.push({ field: 'provider', message: NO_EXTERNAL_ID })
  }
  if (provider === undefined || errors.length > 0) throw invalidDocument(errors)
  const input = document as ConnectionTestInput
  return { input, provider, ...partedConfig(provider, input.config) }
}

const NO_EXTERNAL_ID =
  'can be tested once the connection is created: that makes the external id, with which the role is assumed'
