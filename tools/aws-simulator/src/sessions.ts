import { createHmac, randomUUID } from 'node:crypto'
import type { SigningKey } from './signature.ts'

/** The temporary key that STS hands out to whoever assumes a role. */
export interface Session extends Required<SigningKey> {
  readonly roleArn: string
}

/**
 * Makes a session whose token says everything about it, as AWS's own tokens do: the simulated Bedrock, which may run in
 * another process, verifies it without asking STS.
 * @param expiresAtMs Unix milliseconds
 */
export function openSession(roleArn: string, expiresAtMs: number): Session {
  const accessKeyId = `ASIA${randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase()}`
  const content = JSON.stringify([accessKeyId, roleArn, expiresAtMs])
  return sessionOf(`${PREFIX}${Buffer.from(content).toString('base64url')}`, accessKeyId, roleArn, expiresAtMs)
}

/**
 * Returns the session of a token, expired ones too; undefined if the token is not from STS or belongs to another key. A
 * token that was altered has another secret: signatures made with the original one do not match.
 */
export function readSession(accessKeyId: string, sessionToken: string | undefined): Session | undefined {
  if (!sessionToken?.startsWith(PREFIX)) return undefined
  let content: unknown
  try {
    content = JSON.parse(Buffer.from(sessionToken.slice(PREFIX.length), 'base64url').toString())
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  if (!Array.isArray(content)) return undefined
  const [owner, roleArn, expiresAtMs] = content
  if (owner !== accessKeyId || typeof roleArn !== 'string' || typeof expiresAtMs !== 'number') return undefined
  return sessionOf(sessionToken, accessKeyId, roleArn, expiresAtMs)
}

/** The beginning of AWS's own tokens. */
const PREFIX = 'FwoGZXIvYXdzE'
/** Shared by all simulators. It guards nothing: whoever runs the tests has this source. */
const SECRET = 'sessions of the AWS simulator'

function sessionOf(sessionToken: string, accessKeyId: string, roleArn: string, expiresAtMs: number): Session {
  const secretAccessKey = createHmac('sha256', SECRET).update(sessionToken).digest('base64url')
  return { accessKeyId, secretAccessKey, sessionToken, roleArn, expiresAtMs }
}
