import type { ProviderId } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { rejectsCredential } from './credential-rejection.ts'

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
const anthropic = (type: string, message = 'x') => ({ type: 'error', error: { type, message } })

type Case = [ProviderId, number, unknown, Readonly<Record<string, string>>?]

it.each<Case>([
  ['openai', 401, openAi('Incorrect API key provided: sk-…x4f2.', 'invalid_api_key')],
  ['openai', 401, openAi('You must be a member of an organization to use the API.')],
  ['openai', 401, 'Unauthorized'],
  ['openai', 401, {}],
  ['openai', 401, { error: { code: 401, status: null } }],
  ['openai', 401, { error: 'Unauthorized' }],
  ['openai', 401, { detail: 'Unauthorized' }],
  ['openai', 401, '<html><head><title>401 Authorization Required</title></head></html>'],
  ['openai', 401, openAi('Incorrect API key provided. See https://example.com/docs/models/permissions.')],
  ['openai', 401, { error: { message: 'Expired key.', type: 'expired_key', code: '401' } }],
  ['openai', 401, { error: { message: 'Invalid proxy token', type: 'token_not_found_in_db', code: '401' } }],
  ['openai', 401, { error: { message: 'No auth credentials found', code: 401 } }],
  ['openai', 401, { error: { message: 'Your api key: ****x4f2 is invalid', type: 'authentication_error' } }],
  ['openai', 401, { message: 'invalid api token' }],
  [
    'openai',
    401,
    { error: { code: '401', message: 'Access denied due to invalid subscription key; use a regional API endpoint.' } },
  ],
  ['openai', 401, openAi('Nope.', 'invalid_issuer')],
  ['openai', 403, openAi('Not today.', 'invalid_api_key')],
  ['openai', 400, { code: 'invalid-argument', error: 'Incorrect API key provided: xa***.' }],
  ['openai', 403, { message: 'Invalid API key' }],
  ['groq', 401, openAi('Invalid API Key', 'invalid_api_key')],
  ['anthropic', 401, anthropic('authentication_error')],
  ['anthropic', 401, anthropic('authentication_error', 'invalid x-api-key')],
  ['anthropic', 401, anthropic('authentication_error', 'OAuth token has expired')],
  ['google', 401, { error: 'Unauthorized' }],
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
])('%s rejects the credential with %i %j', (...[provider, status, body, headers = {}]: Case) => {
  expect(rejectsCredential(provider, { status, headers, body: Buffer.from(JSON.stringify(body)) })).toBe(true)
})

it.each<Case>([
  ['openai', 403, openAi('Project does not have access to model `o9`', 'model_not_found')],
  ['openai', 403, openAi('Country, region, or territory not supported', 'unsupported_country_region_territory')],
  ['openai', 401, openAi('You have insufficient permissions for this operation. Missing scopes: model.request.')],
  ['openai', 400, openAi('Tool "invalid api key" is not known')],
  ['openai', 400, openAi('Invalid token at position 7')],
  ['openai', 400, openAi('Unknown credentials field in tool')],
  [
    'openai',
    401,
    { error: { message: 'key not allowed to access model x', type: 'key_model_access_denied', code: '401' } },
  ],
  ['openai', 401, { error: { message: 'Team may not use it.', type: 'team_model_access_denied', code: '401' } }],
  ['openai', 401, { error: { message: 'Budget has been exceeded! Current cost: 2', type: 'budget_exceeded' } }],
  ['openai', 401, { detail: { error: 'key not allowed to access model' } }],
  ['openai', 401, { detail: [{ type: 'unspecified', msg: 'something else' }] }],
  ['openai', 401, openAi('This feature is not available for your plan. Check your API key.')],
  ['openai', 401, openAi('The API key may not be used in this region', 'invalid_api_key')],
  ['openai', 401, openAi('模型不可用')],
  ['openai', 401, { error: { message: 'Authentication Error, End User=x is blocked', type: 'auth_error' } }],
  ['openai', 401, openAi('The signature of the webhook does not match')],
  ['openai', 401, openAi('litellm.AuthenticationError: Incorrect API key provided. Received Model Group=x')],
  ['openai', 401, { error: { code: 'PermissionDenied', message: 'The principal lacks the permission for this.' } }],
  ['openai', 401, '<p>Your account has no access to this endpoint</p>'],
  ['groq', 401, openAi('The API key may not use model `x`')],
  ['anthropic', 401, anthropic('authentication_error', 'key not allowed to access model. Tried to access m')],
  ['anthropic', 401, anthropic('key_model_access_denied')],
  ['anthropic', 401, anthropic('authentication_error', 'ExceededBudget: the budget of this key is used up')],
  ['google', 401, google('', 'key not allowed to access model')],
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
  expect(rejectsCredential(provider, { status, headers, body: Buffer.from(JSON.stringify(body)) })).toBe(false)
})

it('reads a 401 without a body as a rejected key', () => {
  expect(rejectsCredential('openai', { status: 401, headers: {}, body: Buffer.alloc(0) })).toBe(true)
  expect(rejectsCredential('aws-bedrock', { status: 401, headers: {}, body: Buffer.alloc(0) })).toBe(false)
})
