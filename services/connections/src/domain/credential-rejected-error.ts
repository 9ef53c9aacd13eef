import { type ConnectionTest, SluiceError } from '@sluice/contracts'

/** The provider did not take a new credential, so that the old one stays. */
export class CredentialRejectedError extends SluiceError {
  override readonly name = 'CredentialRejectedError'
  /** What the provider answered; no credential is in it. */
  readonly test: ConnectionTest

  constructor(test: ConnectionTest) {
    const reason = test.error === undefined ? '' : ` It answered: ${test.error.message}`
    super('credential_rejected', `The provider did not take the new credential, so the old one stays.${reason}`)
    this.test = test
  }
}
