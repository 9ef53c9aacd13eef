import { type FieldError, SealedSecret, validate } from '@sluice/contracts'
import { catalogueEntry, secretFields } from '@sluice/providers'
import { invalidDocument } from '../domain/validate-connection.ts'
import type { ApplicationDeps } from './deps.ts'

type Config = Readonly<Record<string, unknown>>

/**
 * The config of a document from the bus with its sealed secrets opened. A secret that is not sealed is refused, so that nobody
 * takes to sending them in clear.
 * @throws SluiceError `invalid_request` naming the secrets that are not sealed, or not to this service's key
 */
export async function unsealSecrets(
  { sealedBoxes, sealingKey }: Pick<ApplicationDeps, 'sealedBoxes' | 'sealingKey'>,
  provider: string,
  config: Config,
): Promise<Config> {
  const entry = catalogueEntry(provider)
  const given = entry === undefined ? [] : secretFields(entry).filter((field) => config[field] !== undefined)
  if (given.length === 0) return config
  const pair = await sealingKey.current()
  const errors: FieldError[] = []
  const opened: Record<string, string> = {}
  for (const field of given) {
    const secret = validate(SealedSecret, config[field])
    const plaintext = secret.valid ? sealedBoxes.open(secret.value.sealed, pair) : undefined
    if (plaintext !== undefined) opened[field] = Buffer.from(plaintext).toString()
    else errors.push({ field: `config.${field}`, message: secret.valid ? NOT_OPENED : NOT_SEALED })
  }
  if (errors.length > 0) throw invalidDocument(errors)
  return { ...config, ...opened }
}

const NOT_SEALED =
  'must be sealed, as no secret may be on the bus in clear: {"sealed": crypto_box_seal to the key of connections.v1.sealing-key, in base64}'
const NOT_OPENED = 'cannot be opened: it is not sealed to the key that connections.v1.sealing-key answers now'
