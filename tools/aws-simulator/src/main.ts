import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { startAwsSimulator } from './aws-simulator.ts'
import { AwsRole } from './sts.ts'

/** The default of the simulated Bedrock in `tools/provider-simulator`, too. */
const DEFAULT_ROLE: AwsRole = {
  arn: 'arn:aws:iam::123456789012:role/simulator',
  externalId: 'simulator',
  trustedCaller: { accessKeyId: 'AKIASIMULATOR', secretAccessKey: 'simulator' },
}

const roleList = Compile(Type.Array(AwsRole))

try {
  const { HOST, PORT = '8091', AWS_REGION = 'us-east-1', ROLES } = process.env
  const simulator = await startAwsSimulator({
    port: readPort(PORT),
    region: AWS_REGION,
    roles: ROLES === undefined ? [DEFAULT_ROLE] : readRoles(ROLES),
    ...(HOST !== undefined && { host: HOST }),
  })
  const stop = () => {
    simulator.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  // The IPC channel closes when the parent process ends, however it ended.
  process.once('disconnect', stop)
  console.log(`AWS simulator ready at ${simulator.url}`)
  process.send?.('ready')
} catch (error) {
  fail(error)
}

function readPort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new Error(`PORT must be a number from 0 to 65535, not "${text}"`)
}

function readRoles(text: string): AwsRole[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new Error('ROLES must be a JSON array of roles', { cause })
  }
  if (roleList.Check(value)) return value
  const [error] = roleList.Errors(value)
  throw new Error(`ROLES${error?.instancePath ?? ''}: ${error?.message ?? 'not a list of roles'}`)
}

function fail(error: unknown): never {
  console.error(`AWS simulator: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
