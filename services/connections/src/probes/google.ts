import { validate } from '@sluice/contracts'
import { parseJson } from '@sluice/providers'
import { Type } from 'typebox'
import { baseUrlOf, modelIds, modelToTry, type Probe, type ProbeMeans, secretText } from './probe.ts'
import { codeOf, ProbeFailure, untested } from './probe-failure.ts'

/**
 * Lists the models, and counts tokens with one of them; neither costs anything. It does without Google's SDK, which
 * cannot list models and sends with the global `fetch` only: the egress policy could be enforced only by replacing
 * that for the whole process.
 */
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
  const response = await fetch(`${baseUrl}/v1beta/models?pageSize=${MAX_PAGE_SIZE}`, { headers, signal })
  const body = parseJson(Buffer.from(await response.arrayBuffer()))
  if (!response.ok) throw refusal(response.status, body)
  const list = validate(ModelList, body)
  return list.valid ? list.value.models : []
}

/** @see https://ai.google.dev/api/tokens#method:-models.counttokens */
async function countTokens({ baseUrl, apiKey }: Account, model: string, { fetch, signal }: ProbeMeans): Promise<void> {
  const path = (model.includes('/') ? model : `models/${model}`).split('/').map(encodeURIComponent).join('/')
  const response = await fetch(`${baseUrl}/v1beta/${path}:countTokens`, {
    method: 'POST',
    headers: { 'x-goog-api-key': apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] }),
    signal,
  })
  const body = parseJson(Buffer.from(await response.arrayBuffer()))
  if (response.status === 404) {
    const { message } = reportedError(body)
    throw new ProbeFailure(
      'model_unavailable',
      `The API key is valid, but not for the model "${model}": ${message}`,
      404,
    )
  }
  if (!response.ok) throw refusal(response.status, body)
  if (!validate(TokenCount, body).valid) {
    throw new ProbeFailure('provider_error', 'The provider listed its models, but returned no count of tokens.')
  }
}

/** Google reports a wrong key as an invalid argument. */
function refusal(status: number, body: unknown): ProbeFailure {
  const { message, details } = reportedError(body)
  const isWrongKey = details.some(({ reason }) => reason === 'API_KEY_INVALID')
  const code = isWrongKey ? 'invalid_credential' : codeOf(status)
  return new ProbeFailure(code, code === 'untested' ? untested(status, message) : message, status)
}

function reportedError(body: unknown) {
  const response = validate(ErrorResponse, body)
  const { message = 'The provider gave no reason.', details = [] } = response.valid ? response.value.error : {}
  return { message, details }
}

/** @see https://ai.google.dev/api/models#method:-models.list */
const MAX_PAGE_SIZE = 1_000

const TokenCount = Type.Object({ totalTokens: Type.Number() })

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
