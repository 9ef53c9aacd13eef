import type { ProviderRoute } from '../simulated-provider.ts'
import { readAssumeRole } from './assume-role-parameters.ts'
import { uuid } from './headers.ts'
import type { Sessions } from './sessions.ts'
import { stsError, stsFailure } from './sts-errors.ts'
import { xmlResponse, xmlText } from './xml.ts'

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html; who may is the caller's matter. */
export function assumeRole(sessions: Sessions): ProviderRoute {
  return {
    method: 'POST',
    path: '/',
    failure: stsFailure,
    handle({ body, account, arrivedAtMs, generation, requestId }) {
      const result = readAssumeRole(body)
      if (result.status === 'invalid') {
        return { answer: () => stsError(400, result.code, result.message, requestId) }
      }
      const { roleArn, sessionName, durationSeconds } = result.parameters
      return {
        answer() {
          const expiresAtMs = arrivedAtMs + (account.role?.sessionSeconds ?? durationSeconds) * 1000
          const session = sessions.open(account.apiKey, expiresAtMs, generation.ids)
          const assumedArn = `${roleArn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/${sessionName}`
          return xmlResponse(
            200,
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>' +
              `<AssumedRoleUser><AssumedRoleId>AROASIMULATOR00000000:${xmlText(sessionName)}</AssumedRoleId>` +
              `<Arn>${xmlText(assumedArn)}</Arn></AssumedRoleUser>` +
              `<Credentials><AccessKeyId>${session.accessKeyId}</AccessKeyId>` +
              `<SecretAccessKey>${session.secretAccessKey}</SecretAccessKey>` +
              `<SessionToken>${session.sessionToken}</SessionToken>` +
              `<Expiration>${new Date(expiresAtMs).toISOString()}</Expiration></Credentials>` +
              `</AssumeRoleResult><ResponseMetadata><RequestId>${uuid(requestId)}</RequestId></ResponseMetadata>` +
              '</AssumeRoleResponse>',
          )
        },
      }
    },
  }
}
