import { BedrockRuntimeClient, BedrockRuntimeServiceException, ConverseCommand } from '@aws-sdk/client-bedrock-runtime'
import { SluiceError, validate } from '@sluice/contracts'
import { createEgressAgents, createRoleAssumer, type RoleToAssume, type TemporaryCredentials } from '@sluice/egress'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { Type } from 'typebox'
import type { StsAccess } from '../aws-credentials.ts'
import { modelToTry, type Probe, textOrNull } from './probe.ts'
import { describeFailure, ProbeFailure } from './probe-failure.ts'

/**
 * Assumes the connection's role, and requests one output token from a model: the runtime API has no cheaper call. It
 * lists no models.
 */
export function bedrockProbe(sts: StsAccess): Probe {
  return async ({ config, allowedModels }, { egressPolicy, signal, addSecret }) => {
    const role = validate(RoleConfig, config)
    if (!role.valid) throw new SluiceError('internal', 'a Bedrock connection has no role', { fields: role.errors })
    const { region, iamRoleArn: arn, externalId } = role.value
    const credentials = await assumeRole({ arn, externalId, region }, sts, signal)
    addSecret(credentials.secretAccessKey)
    addSecret(credentials.sessionToken)

    const endpoint = textOrNull(config, 'baseUrl')?.trim()
    const agents = createEgressAgents(egressPolicy)
    const client = new BedrockRuntimeClient({
      region,
      credentials,
      ...(endpoint === undefined ? {} : { endpoint }),
      // A bearer token in the service's own environment is not the connection's.
      authSchemePreference: ['sigv4'],
      requestHandler: new NodeHttpHandler({ httpAgent: agents.http, httpsAgent: agents.https }),
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

const RoleConfig = Type.Object({ region: Type.String(), iamRoleArn: Type.String(), externalId: Type.String() })

/**
 * Returns temporary credentials of a connection's role, assumed with the service's own AWS identity.
 * @throws ProbeFailure `role_not_assumable` if STS refuses, or the service has no AWS identity
 */
async function assumeRole(
  role: Pick<RoleToAssume, 'arn' | 'externalId' | 'region'>,
  { endpoint, credentials }: StsAccess,
  signal: AbortSignal,
): Promise<TemporaryCredentials> {
  const assumer = createRoleAssumer({ endpoint, identity: credentials, maxAttempts: 1 })
  try {
    return await assumer.assume({ ...role, sessionName: SESSION_NAME, sessionSeconds: SHORTEST_SESSION_S }, signal)
  } catch (error) {
    throw roleFailure(error)
  } finally {
    assumer.stop()
  }
}

function roleFailure(error: unknown): unknown {
  const { code, message, status } = describeFailure(error)
  const isRefusal = code !== 'unreachable' && code !== 'rate_limited' && (status === undefined || status < 500)
  return isRefusal ? new ProbeFailure('role_not_assumable', `The role cannot be assumed: ${message}`, status) : error
}

async function converse(client: BedrockRuntimeClient, modelId: string, abortSignal: AbortSignal): Promise<void> {
  const messages = [{ role: 'user' as const, content: [{ text: 'Hello' }] }]
  await client.send(new ConverseCommand({ modelId, messages, inferenceConfig: { maxTokens: 1 } }), { abortSignal })
}

/**
 * Returns whether Bedrock accepted the signature but not the model. It denies access both to a role that may not
 * invoke, and to a model that is not enabled in the account; IAM's message identifies the former.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
 */
function isAboutModel(error: unknown): error is BedrockRuntimeServiceException {
  if (!(error instanceof BedrockRuntimeServiceException)) return false
  if (error.name === 'AccessDeniedException') return !error.message.includes('not authorized to perform')
  return MODEL_ERRORS.has(error.name)
}

const MODEL_ERRORS: ReadonlySet<string> = new Set(['ResourceNotFoundException', 'ValidationException'])

function modelUnavailable(error: BedrockRuntimeServiceException, model: string | undefined): ProbeFailure {
  const advice = model === undefined ? ' To test with another model, name it in full in allowedModels.' : ''
  return new ProbeFailure(
    'model_unavailable',
    `The role is valid, but the model "${model ?? DEFAULT_MODEL}" cannot be used: ${error.message}${advice}`,
    error.$metadata.httpStatusCode,
  )
}

const DEFAULT_MODEL = 'amazon.nova-lite-v1:0'
const SESSION_NAME = 'sluice-connection-test'
/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const SHORTEST_SESSION_S = 900
