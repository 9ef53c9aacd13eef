import { KMSServiceException } from '@aws-sdk/client-kms'
import { EnvelopeError } from './envelope.ts'

/**
 * What a failed call to KMS means for the envelope. By the names of
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors and of the common errors there; whatever is
 * not known is taken for a passing trouble of KMS.
 */
export function kmsFault(error: unknown, keyId: string): EnvelopeError {
  if (error instanceof EnvelopeError) return error
  const name = error instanceof Error ? error.name : ''
  const [reason, detail] = MEANINGS[name] ?? [
    'key_unavailable',
    'is not to be had at the moment: KMS is away, slow or throttling',
  ]
  return new EnvelopeError(reason, `the KMS key ${keyId} ${detail}${labelOf(error)}`, causeOf(error))
}

type Meaning = readonly [EnvelopeError['reason'], string]

const NOT_ITS_OWN: Meaning = ['not_authentic', 'did not wrap this data key for this connection and version']
const NO_ACCESS: Meaning = ['key_refused', 'is refused: AWS does not take the credentials of this service']

const MEANINGS: Readonly<Record<string, Meaning>> = {
  InvalidCiphertextException: NOT_ITS_OWN,
  IncorrectKeyException: NOT_ITS_OWN,
  ValidationException: ['malformed', 'was given what is no ciphertext or no key id of KMS'],
  InvalidArnException: ['key_refused', 'has an ARN that KMS does not understand'],
  NotFoundException: ['key_refused', 'is not there'],
  DisabledException: ['key_refused', 'is disabled'],
  KMSInvalidStateException: ['key_refused', 'is in a state in which it cannot be used, such as pending deletion'],
  InvalidKeyUsageException: ['key_refused', 'is not one for encryption'],
  AccessDeniedException: ['key_refused', 'may not be used by this service'],
  UnrecognizedClientException: NO_ACCESS,
  InvalidClientTokenId: NO_ACCESS,
  InvalidSignatureException: NO_ACCESS,
  SignatureDoesNotMatch: NO_ACCESS,
  MissingAuthenticationTokenException: NO_ACCESS,
  ExpiredTokenException: NO_ACCESS,
  CredentialsProviderError: ['key_refused', 'is refused: this service has found no AWS credentials'],
}

/** The system's code, such as `ECONNREFUSED`, says more than the name of its error. */
function labelOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return ` (${'code' in error && typeof error.code === 'string' ? error.code : error.name})`
}

/** The error itself only where KMS or the system made it: a parser's would quote an answer, which may hold a data key. */
function causeOf(error: unknown): unknown {
  if (error instanceof KMSServiceException) return error
  return error instanceof Error && !(error instanceof SyntaxError) ? error : undefined
}
