import { GoogleGenerativeAI, GoogleGenerativeAIFetchError } from '@google/generative-ai'
import { validate } from '@sluice/contracts'
import { parseJson } from '@sluice/providers'
import { Type } from 'typebox'
import { baseUrlOf, modelIds, modelToTry, type Probe, type ProbeMeans, secretText } from './probe.ts'
import { codeOf, ProbeFailure, untested } from './probe-failure.ts'

/** Lists the models, which the SDK cannot, and has the SDK count tokens with one of them. Neither costs anything. */
export const probeGoogle: Probe = async ({ provider, config, allowedModels }, means) => {
  const account = { baseUrl: baseUrlOf(provider, config), apiKey: secretText(config, 'apiKey') }
  const models = await listModels(account, means)
  const ids = modelIds(models, 'name').map((name) => name.replace(/^models\//, ''))
  const counting = models.find(({ supportedGenerationMethods: methods }) => methods?.includes('countTokens'))
  const model = modelToTry(allowedModels) ?? counting?.name
  if (model !== undefined) await countTokens(account, model, means)
  return ids
}

interface Account {
  readonly baseUrl: string
  readonly apiKey: string
}

/** @see https://ai.google.dev/api/models#method:-models.list */
async function listModels({ baseUrl, apiKey }: Account, { fetch, signal }: ProbeMeans) {
  const headers = { 'x-goog-api-key': apiKey }
  const response = await fetch(`${baseUrl}/v1beta/models?pageSize=${MOST_A_PAGE}`, { headers, signal })
  const body = parseJson(Buffer.from(await response.arrayBuffer()))
  if (!response.ok) throw refusal(response.status, body)
  const list = validate(ModelList, body)
  return list.valid ? list.value.models : []
}

async function countTokens({ baseUrl, apiKey }: Account, model: string, { inGate, signal }: ProbeMeans): Promise<void> {
  const client = new GoogleGenerativeAI(apiKey).getGenerativeModel({ model }, { baseUrl })
  try {
    await inGate(() => client.countTokens('Hello', { signal }))
  } catch (error) {
    if (!(error instanceof GoogleGenerativeAIFetchError) || error.status !== 404) throw error
    throw new ProbeFailure('model_unavailable', `The API key is good, but not for the model: ${error.message}`, 404)
  }
}

/** A wrong key is an invalid argument to Google. */
function refusal(status: number, body: unknown): ProbeFailure {
  const answer = validate(ErrorResponse, body)
  const { message = 'The provider gave no reason.', details = [] } = answer.valid ? answer.value.error : {}
  const isWrongKey = details.some(({ reason }) => reason === 'API_KEY_INVALID')
  const code = isWrongKey ? 'invalid_credential' : codeOf(status)
  return new ProbeFailure(code, code === 'untested' ? untested(status, message) : message, status)
}

/** @see https://ai.google.dev/api/models#method:-models.list */
const MOST_A_PAGE = 1_000

const ModelList = Type.Object({
  models: Type.Array(
    Type.Object({ name: Type.String(), supportedGenerationMethods: Type.Optional(Type.Array(Type.String())) }),
  ),
})

/** @see https://google.aip.dev/193 */
const ErrorResponse = Type.Object({
  error: Type.Object({
    message: Type.Optional(Type.String()),
    details: Type.Optional(Type.Array(Type.Object({ reason: Type.Optional(Type.Unknown()) }))),
  }),
})
