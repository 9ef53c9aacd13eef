import { type ConnectionTest, SluiceError } from '@sluice/contracts'

/** The provider refused a new credential, so that the old one stays. */
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

/** A new credential could not be tested, for a reason that says nothing of it: the old one stays. */
export class CredentialUntestedError extends SluiceError {
  override readonly name = 'CredentialUntestedError'
  /** What came of the test; no credential is in it. */
  readonly test: ConnectionTest

  constructor(connectionId: string, test: ConnectionTest) {
    const reason = test.error === undefined ? '' : ` ${test.error.message}`
    super(
      'credential_untested',
      `The new credential could not be tested, which says nothing of it; the old one stays.${reason} ` +
        'Rotate again once the provider responds. To store the credential without a test, send the same document with ' +
        `PATCH /api/v1/connections/${connectionId}.`,
    )
    this.test = test
  }
}
