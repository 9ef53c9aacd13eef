import type { WireHeaders } from '@sluice/providers'
import { isAccessToken } from '@sluice/service-kit'

/** Returns why a request is refused that brings no key, by what it brings in the key's place. Shows nothing of that. */
export function missingKeyMessage({ authorization }: WireHeaders): string {
  if (typeof authorization === 'string' && authorization.startsWith('AWS4-HMAC')) {
    return (
      'The request is signed with AWS credentials, and the gateway takes a Sluice API key: set AWS_BEARER_TOKEN_BEDROCK to it ' +
      '(slc_…) and leave the AWS credentials out.'
    )
  }
  if (authorization !== undefined) {
    return 'The header Authorization holds no key: it must be "Bearer", a space, and a Sluice API key (slc_…).'
  }
  return (
    'No API key was given. Send a Sluice API key where the SDK puts its key: "Authorization: Bearer slc_…" (OpenAI, Groq, AWS bearer ' +
    'token), "x-api-key: slc_…" (Anthropic), "x-goog-api-key: slc_…" (Google) or "api-key: slc_…" (Azure).'
  )
}

/** Returns why a key that is not known is refused. Shows nothing of it: it may be good elsewhere. */
export function unknownKeyMessage(key: string): string {
  if (key.trim() === '') return 'The API key is empty: is the variable set that the application takes it from?'
  const [, owner] = FOREIGN_KEYS.find(([form]) => form.test(key)) ?? []
  if (owner !== undefined) {
    return (
      `The key is ${owner}, and the gateway takes a Sluice API key (slc_…). The provider's key stays with the connection; ask the ` +
      'operator of Sluice for an API key.'
    )
  }
  if (key.startsWith('slo_')) {
    return 'The key is an operator token, which is for the admin API alone. Applications need an API key (slc_…): POST /api/v1/api-keys creates one.'
  }
  if (!key.startsWith('slc_'))
    return 'The API key is not one of Sluice: those begin with "slc_". Is it quoted, or another service’s?'
  if (!isAccessToken(key, 'slc')) {
    return 'The API key is not whole: it has 53 characters, the last of which are a checksum that does not fit. Copy it again.'
  }
  return 'The API key is not valid: it is unknown or revoked.'
}

/** Returns why an expired key is refused. @param expiresAtMs Unix milliseconds */
export function expiredKeyMessage(expiresAtMs: number): string {
  return `The API key expired at ${new Date(expiresAtMs).toISOString()}: ask the operator of Sluice for another, or a later expiry.`
}

/** The beginnings of other services' keys, the longer first. */
const FOREIGN_KEYS: readonly (readonly [RegExp, string])[] = [
  [/^sk-ant-/, "Anthropic's own"],
  [/^sk-or-/, "OpenRouter's own"],
  [/^sk-/, "OpenAI's own, or that of a server that speaks its API"],
  [/^AIza/, "Google's own"],
  [/^gsk_/, "Groq's own"],
  [/^xai-/, "xAI's own"],
  [/^(?:ABSK|bedrock-api-key-|AKIA|ASIA)/, "AWS's own"],
]
