import { KmsFault } from './kms-fault.ts'
import { createKmsKey, type KmsKey } from './kms-keys.ts'

/** The keys and aliases of one account in one region. */
export class KmsKeyRing {
  readonly #accountPrefix: string
  readonly #keys = new Map<string, KmsKey>()
  readonly #aliases = new Map<string, KmsKey>()

  /** @param accountPrefix `arn:aws:kms:<region>:<account>` */
  constructor(accountPrefix: string) {
    this.#accountPrefix = accountPrefix
  }

  add(): KmsKey {
    const key = createKmsKey(this.#accountPrefix)
    this.#keys.set(key.id, key)
    return key
  }

  /** Points `name` (`alias/…`) at `key`, whatever it pointed at before. */
  setAlias(name: string, key: KmsKey): void {
    this.#aliases.set(name, key)
  }

  /**
   * By id, ARN, alias name or alias ARN.
   * @throws KmsFault as KMS does: `NotFoundException`
   */
  find(name: string): KmsKey {
    const prefix = `${this.#accountPrefix}:`
    const local = name.startsWith(prefix) ? name.slice(prefix.length) : name
    const key = local.startsWith('alias/') ? this.#aliases.get(local) : this.#keys.get(local.replace(/^key\//, ''))
    if (key !== undefined) return key
    const arn = name.startsWith('arn:') ? name : `${prefix}${local.startsWith('alias/') ? local : `key/${local}`}`
    throw new KmsFault(
      'NotFoundException',
      local.startsWith('alias/') ? `Alias ${arn} is not found.` : `Key '${arn}' does not exist`,
    )
  }

  /**
   * As {@link KmsKeyRing.find}, for the caller to use now.
   * @throws KmsFault also `AccessDeniedException`, `DisabledException`, `KMSInvalidStateException`
   */
  usable(name: string, operation: string): KmsKey {
    const key = this.find(name)
    requireAllowed(key, operation)
    if (key.state === 'Disabled') throw new KmsFault('DisabledException', `${key.arn} is disabled.`)
    if (key.state === 'PendingDeletion')
      throw new KmsFault('KMSInvalidStateException', `${key.arn} is pending deletion.`)
    return key
  }
}

/** @throws KmsFault `AccessDeniedException` */
export function requireAllowed(key: KmsKey, operation: string): void {
  if (!key.isDenied) return
  throw new KmsFault(
    'AccessDeniedException',
    `User: arn:aws:iam::000000000000:user/test is not authorized to perform: kms:${operation} on resource: ${key.arn} because no resource-based policy allows the kms:${operation} action`,
  )
}
