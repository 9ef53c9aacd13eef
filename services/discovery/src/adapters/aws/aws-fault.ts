import { SluiceError } from '@sluice/contracts'

/**
 * What a call of AWS has failed by, fit for who asked for it: `rate_limited`; `forbidden` when AWS refuses it; `unavailable` when the
 * service has no identity for AWS; else `upstream_unreachable`.
 * @param refusal what a refusal means, before AWS's own words
 */
export function awsFault(cause: unknown, refusal: string): SluiceError {
  if (!(cause instanceof Error)) return new SluiceError('upstream_unreachable', 'AWS cannot be asked.', { cause })
  const { name, message, $metadata } = cause as SdkError
  if (name === 'CredentialsProviderError') {
    return new SluiceError('unavailable', 'Discovery has no AWS identity of its own to assume roles with.', { cause })
  }
  if (THROTTLING.test(name))
    return new SluiceError('rate_limited', `AWS takes no more calls now: ${message}`, { cause })
  const status = $metadata?.httpStatusCode
  if (status !== undefined && status >= 400 && status < 500) {
    return new SluiceError('forbidden', `${refusal} ${message}`, { cause })
  }
  return new SluiceError('upstream_unreachable', `AWS does not answer as it should: ${message || name}`, { cause })
}

/** AWS's SDKs have a status where AWS has answered. */
interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number }
}

const THROTTLING = /^(?:Throttl|TooManyRequests|RequestLimitExceeded)/
