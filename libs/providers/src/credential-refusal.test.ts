import type { ProviderId } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { refusesCredential } from './credential-refusal.ts'

const openAi = (message: string, code: string | null = null) => ({
  error: { message, type: 'invalid_request_error', code },
})
const google = (status: string, message: string, reason?: string) => ({
  error: {
    status,
    message,
    ...(reason && { details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason }] }),
  },
})
const anthropic = (type: string) => ({ type: 'error', error: { type, message: 'x' } })

type Case = [ProviderId, number, unknown, Readonly<Record<string, string>>?]

it.each<Case>([
  ['openai', 401, openAi('Incorrect API key provided: sk-…x4f2.', 'invalid_api_key')],
  ['openai', 401, openAi('You must be a member of an organization to use the API.')],
  ['openai', 401, 'Unauthorized'],
  ['openai', 403, openAi('Not today.', 'invalid_api_key')],
  ['openai', 400, { code: 'invalid-argument', error: 'Incorrect API key provided: xa***.' }],
  ['openai', 403, { message: 'Invalid API key' }],
  ['groq', 401, openAi('Invalid API Key', 'invalid_api_key')],
  ['anthropic', 401, anthropic('authentication_error')],
  ['google', 400, google('INVALID_ARGUMENT', 'API key not valid.', 'API_KEY_INVALID')],
  ['google', 400, [google('INVALID_ARGUMENT', 'API key expired.', 'API_KEY_INVALID')]],
  ['google', 401, google('UNAUTHENTICATED', 'Request had invalid authentication credentials.')],
  ['google', 403, google('PERMISSION_DENIED', 'Your API key was reported as leaked. Please use another API key.')],
  ['google', 403, google('PERMISSION_DENIED', 'Consumer has been suspended.', 'CONSUMER_SUSPENDED')],
  [
    'aws-bedrock',
    403,
    { message: 'x' },
    { 'x-amzn-errortype': 'UnrecognizedClientException:http://internal.amazon.com/' },
  ],
  ['aws-bedrock', 403, { message: 'x' }, { 'x-amzn-errortype': 'ExpiredTokenException' }],
  ['aws-bedrock', 403, { __type: 'com.amazon.coral.service#InvalidSignatureException' }],
  ['aws-bedrock', 400, { __type: 'IncompleteSignature' }],
])('%s refuses the credential with %i %j', (...[provider, status, body, headers = {}]: Case) => {
  expect(refusesCredential(provider, { status, headers, body: Buffer.from(JSON.stringify(body)) })).toBe(true)
})

it.each<Case>([
  ['openai', 403, openAi('Project does not have access to model `o9`', 'model_not_found')],
  ['openai', 403, openAi('Country, region, or territory not supported', 'unsupported_country_region_territory')],
  ['openai', 401, openAi('You have insufficient permissions for this operation. Missing scopes: model.request.')],
  ['openai', 400, openAi('Tool "invalid api key" is not known')],
  ['openai', 429, openAi('Incorrect API key provided')],
  ['openai', 404, openAi('Invalid API key')],
  ['groq', 403, openAi('The model is blocked at the project level.', 'model_permission_blocked_project')],
  ['anthropic', 403, anthropic('permission_error')],
  ['anthropic', 400, anthropic('invalid_request_error')],
  ['google', 403, google('PERMISSION_DENIED', 'You do not have permission to access tuned model x.')],
  ['google', 400, google('FAILED_PRECONDITION', 'User location is not supported for the API use.')],
  [
    'aws-bedrock',
    403,
    { message: "You don't have access to the model" },
    { 'x-amzn-errortype': 'AccessDeniedException' },
  ],
  ['aws-bedrock', 400, { message: 'ExpiredToken' }, { 'x-amzn-errortype': 'ValidationException' }],
  ['aws-bedrock', 403, 'no JSON object'],
])('%s means something else with %i %j', (...[provider, status, body, headers = {}]: Case) => {
  expect(refusesCredential(provider, { status, headers, body: Buffer.from(JSON.stringify(body)) })).toBe(false)
})
