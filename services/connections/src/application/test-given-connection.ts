import type { ConnectionTest } from '@sluice/contracts'
import { validateConnectionTest } from '../domain/validate-connection-test.ts'
import type { ApplicationDeps } from './deps.ts'
import { secretHolders } from './test-connection.ts'

/**
 * Calls a provider with a config that was given, and keeps nothing of it.
 * @throws SluiceError `invalid_request` with everything that is wrong with `document`; those of the probe
 */
export async function testGivenConnection(
  { rules, providerProbe }: Pick<ApplicationDeps, 'rules' | 'providerProbe'>,
  document: unknown,
): Promise<ConnectionTest> {
  const { input, publicConfig, secrets } = validateConnectionTest(document, rules)
  const { provider, allowedModels } = input
  return providerProbe.test({
    provider,
    config: { ...publicConfig, ...secretHolders(secrets) },
    ...(allowedModels === undefined ? {} : { allowedModels }),
  })
}
