import type { EgressPolicy } from '@sluice/providers'
import { Agent, buildConnector } from 'undici'

/** Sends to upstreams, to those addresses alone that the gate lets pass; answers end at `maxAnswerBytes`. */
export function gatedAgent(gate: EgressPolicy, maxAnswerBytes: number): Agent {
  const secure = buildConnector({ allowH2: false, lookup: gate.lookup('https:') })
  const insecure = buildConnector({ allowH2: false, lookup: gate.lookup('http:') })
  return new Agent({
    maxResponseSize: maxAnswerBytes,
    connect: (target, callback) => {
      const fault = gate.fault(target.protocol, target.hostname)
      if (fault !== undefined) callback(fault, null)
      else if (target.protocol === 'https:') secure(target, callback)
      else insecure(target, callback)
    },
  })
}
