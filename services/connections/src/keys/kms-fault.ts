import { KMSServiceException } from '@aws-sdk/client-kms'
import { EnvelopeError } from './envelope.ts'

/**
 * Translates a failed call to KMS by the error's name. An unknown error counts as transient.
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors and the common errors there
 */
export function toKmsEnvelopeError(error: unknown, keyId: string): EnvelopeError {
  if (error instanceof EnvelopeError) return error
  const known = error instanceof Error ? MEANINGS[error.name] : undefined
  const [reason, detail] = known ?? UNAVAILABLE
  return new EnvelopeError(reason, `the KMS key ${keyId} ${detail}${labelOf(error)}`, causeOf(error))
}

type Meaning = readonly [EnvelopeError['reason'], string]

const UNAVAILABLE: Meaning = ['key_unavailable', 'is temporarily unavailable: KMS is unreachable, slow or throttling']
const WRAPPED_OTHERWISE: Meaning = ['not_authentic', 'did not wrap this data key for this connection and version']
const NO_ACCESS: Meaning = ['key_refused', "is refused: AWS rejects this service's credentials"]

const MEANINGS: Readonly<Record<string, Meaning>> = {
  InvalidCiphertextException: WRAPPED_OTHERWISE,
  IncorrectKeyException: WRAPPED_OTHERWISE,
  ValidationException: ['malformed', 'was given an invalid ciphertext or key id'],
  InvalidArnException: ['key_refused', 'has an ARN that KMS does not understand'],
  NotFoundException: ['key_refused', 'does not exist'],
  DisabledException: ['key_refused', 'is disabled'],
  KMSInvalidStateException: ['key_refused', 'is in a state in which it cannot be used, such as pending deletion'],
  InvalidKeyUsageException: ['key_refused', 'is not an encryption key'],
  AccessDeniedException: ['key_refused', 'may not be used by this service'],
  UnrecognizedClientException: NO_ACCESS,
  InvalidClientTokenId: NO_ACCESS,
  InvalidSignatureException: NO_ACCESS,
  SignatureDoesNotMatch: NO_ACCESS,
  MissingAuthenticationTokenException: NO_ACCESS,
  ExpiredTokenException: NO_ACCESS,
  CredentialsProviderError: ['key_refused', 'is refused: this service has found no AWS credentials'],
}

/** Prefers the system's code, such as `ECONNREFUSED`, to the error's name. */
function labelOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return ` (${'code' in error && typeof error.code === 'string' ? error.code : error.name})`
}

/** Drops a parser's error as the cause: it would quote the response, which may contain a data key. */
function causeOf(error: unknown): unknown {
  if (error instanceof KMSServiceException) return error
  return error instanceof Error && !(error instanceof SyntaxError) ? error : undefined
}
