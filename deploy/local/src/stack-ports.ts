import type { LocalSettings } from './config.ts'
import { assertPortFree, freePort } from './ports.ts'
import { StartError } from './start-error.ts'

export interface StackPorts {
  readonly admin: number
  /** One for each gateway. */
  readonly gateways: readonly number[]
}

const GATEWAY_STEP = 100
const LAST_PORT = 65_535

/**
 * The ports of a run, each of them free now.
 * @throws StartError `port_taken`, or `setting_invalid` where two would be the same or above 65,535.
 */
export async function chooseStackPorts(settings: LocalSettings): Promise<StackPorts> {
  const admin = settings.ADMIN_PORT === 0 ? await freePort() : settings.ADMIN_PORT
  const gateways: number[] = []
  for (let index = 0; index < settings.GATEWAY_INSTANCES; index++) {
    gateways.push(settings.GATEWAY_PORT === 0 ? await freePort() : settings.GATEWAY_PORT + index * GATEWAY_STEP)
  }
  if (new Set([admin, ...gateways]).size <= gateways.length) {
    throw new StartError(
      'setting_invalid',
      `ADMIN_PORT ${admin} is also a gateway's (${gateways.join(', ')}): choose another.`,
    )
  }
  const tooHigh = gateways.find((port) => port > LAST_PORT)
  if (tooHigh !== undefined) {
    throw new StartError('setting_invalid', `GATEWAY_PORT is too high: its last gateway would listen on ${tooHigh}.`)
  }
  await assertPortFree(admin, 'ADMIN_PORT')
  for (const port of gateways) await assertPortFree(port, 'GATEWAY_PORT')
  return { admin, gateways }
}
