/** An error as KMS answers it: https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html and each operation's own. */
export class KmsFault extends Error {
  override readonly name = 'KmsFault'
  /** `__type` of the answer. */
  readonly type: string
  /** HTTP status. */
  readonly status: number

  constructor(type: string, message = '', status = 400) {
    super(message)
    this.type = type
    this.status = status
  }
}
