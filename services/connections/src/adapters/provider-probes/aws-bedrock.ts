import { BedrockRuntimeClient, BedrockRuntimeServiceException, ConverseCommand } from '@aws-sdk/client-bedrock-runtime'
import { createEgressAgents } from '@sluice/egress'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { assumeRole, type StsAccess } from './assume-role.ts'
import { textOrNull } from './config-text.ts'
import { modelToTry } from './model-to-try.ts'
import type { Probe } from './probe.ts'
import { ProbeFailure } from './probe-failure.ts'

/**
 * Assumes the connection's role, and has a model answer with one token: the runtime API has no cheaper call. It lists no models.
 */
export function bedrockProbe(sts: StsAccess): Probe {
  return async ({ config, allowedModels }, { egressPolicy, signal, addSecret }) => {
    const role = {
      region: String(config.region),
      arn: String(config.iamRoleArn),
      externalId: String(config.externalId),
    }
    const credentials = await assumeRole(role, sts, signal)
    addSecret(credentials.secretAccessKey)
    addSecret(credentials.sessionToken)

    const endpoint = textOrNull(config, 'baseUrl')?.trim() ?? null
    const agents = createEgressAgents(egressPolicy)
    const client = new BedrockRuntimeClient({
      region: role.region,
      credentials,
      ...(endpoint === null ? {} : { endpoint }),
      // A bearer token in the service's own environment is not the connection's.
      authSchemePreference: ['sigv4'],
      requestHandler: new NodeHttpHandler({
        httpAgent: agents.http,
        httpsAgent: agents.https,
      }),
      maxAttempts: 1,
    })
    const model = modelToTry(allowedModels)
    try {
      await converse(client, model ?? DEFAULT_MODEL, signal)
    } catch (error) {
      throw isAboutModel(error) ? modelUnavailable(error, model) : error
    } finally {
      client.destroy()
    }
    return undefined
  }
}

async function converse(client: BedrockRuntimeClient, modelId: string, abortSignal: AbortSignal): Promise<void> {
  const messages = [{ role: 'user' as const, content: [{ text: 'Hello' }] }]
  await client.send(new ConverseCommand({ modelId, messages, inferenceConfig: { maxTokens: 1 } }), { abortSignal })
}

/**
 * Whether Bedrock took the signature but not the model. It denies access both to a role that may not invoke, and to a model that
 * the account has not enabled; IAM's words tell the first.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
 */
function isAboutModel(error: unknown): error is BedrockRuntimeServiceException {
  if (!(error instanceof BedrockRuntimeServiceException)) return false
  if (error.name === 'AccessDeniedException') return !error.message.includes('not authorized to perform')
  return MODEL_ERRORS.has(error.name)
}

const MODEL_ERRORS: ReadonlySet<string> = new Set(['ResourceNotFoundException', 'ValidationException'])

function modelUnavailable(error: BedrockRuntimeServiceException, model: string | undefined): ProbeFailure {
  const advice = model === undefined ? ' To test with another one, name it in full in allowedModels.' : ''
  return new ProbeFailure(
    'model_unavailable',
    `The role is good, but the model "${model ?? DEFAULT_MODEL}" cannot be used: ${error.message}${advice}`,
    error.$metadata.httpStatusCode,
  )
}

const DEFAULT_MODEL = 'amazon.nova-lite-v1:0'
