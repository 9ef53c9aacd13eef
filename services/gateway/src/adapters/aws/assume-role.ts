import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { SluiceError } from '@sluice/contracts'
import { Secret } from '@sluice/service-kit'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { ConnectionRole } from './connection-role.ts'

/** Temporary credentials of a role. */
export interface RoleCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
  readonly sessionToken: Secret
  /** Unix milliseconds, by AWS's clock. */
  readonly expiresAtMs: number
}

export interface RoleAssumer {
  /** What asks AWS anew for credentials of `role` with every call, within {@link ATTEMPT_TIMEOUT_MS} twice. */
  credentialsOf(role: ConnectionRole): () => Promise<RoleCredentials>
  /** Ends every connection. */
  stop(): void
}

/**
 * Assumes roles through AWS's STS with the gateway's own credentials, from where AWS's SDKs look for them: the environment,
 * the shared files, the container's or the instance's role.
 * @param endpoint in place of STS in the connection's region
 */
export function roleAssumer(endpoint: string | undefined): RoleAssumer {
  const masterCredentials = fromNodeProviderChain()
  const requestHandler = new NodeHttpHandler({
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: ATTEMPT_TIMEOUT_MS,
    socketTimeout: ATTEMPT_TIMEOUT_MS,
    throwOnRequestTimeout: true,
  })
  return {
    credentialsOf: ({ arn, externalId, region, sessionName }) => {
      const provider = fromTemporaryCredentials({
        params: {
          RoleArn: arn,
          ExternalId: externalId,
          RoleSessionName: sessionName,
          DurationSeconds: SESSION_SECONDS,
        },
        masterCredentials,
        clientConfig: { region, requestHandler, maxAttempts: MAX_ATTEMPTS, ...(endpoint && { endpoint }) },
      })
      return async () => {
        const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provider()
        if (sessionToken === undefined || expiration === undefined) {
          throw new SluiceError('internal', 'the credentials of the role are not temporary')
        }
        return {
          accessKeyId,
          secretAccessKey: new Secret(secretAccessKey),
          sessionToken: new Secret(sessionToken),
          expiresAtMs: expiration.getTime(),
        }
      }
    },
    stop: () => requestHandler.destroy(),
  }
}

/** As long as every role allows, and as a role may be assumed for by one that is assumed itself. */
const SESSION_SECONDS = 3_600
const CONNECT_TIMEOUT_MS = 2_000
const ATTEMPT_TIMEOUT_MS = 4_000
const MAX_ATTEMPTS = 2
