import type { SimulatedProvider } from '../simulated-provider.ts'
import { assumeRole } from './assume-role.ts'
import { bedrockCaller } from './bedrock-caller.ts'
import { converseRoutes } from './converse.ts'
import { failure } from './failures.ts'
import { headers } from './headers.ts'
import { invokeRoutes } from './invoke.ts'
import { Sessions } from './sessions.ts'
import { stsCaller } from './sts-caller.ts'

/**
 * AWS Bedrock's runtime (https://docs.aws.amazon.com/bedrock/latest/APIReference) and, at `/`, the STS that hands out
 * credentials for it. Each simulator knows its own sessions only.
 */
export function createAwsBedrock(): SimulatedProvider {
  const sessions = new Sessions()
  const sts = assumeRole(sessions)
  return {
    routes: [sts, ...converseRoutes, ...invokeRoutes],
    identify: (request, accounts) =>
      request.path === sts.path ? stsCaller(request, accounts) : bedrockCaller(request, accounts, sessions),
    headers,
    failure,
  }
}
