import type { OperatorRole } from '@sluice/contracts'
import type { FastifyRequest } from 'fastify'

/** Who may use a route: whoever comes, or operators of this role and of any that may do more. */
export type Access = 'anyone' | OperatorRole

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent: reading is for every operator, everything else for admins alone. */
    access?: Access
  }
}

export function accessOf({ routeOptions, method }: FastifyRequest): Access {
  return routeOptions.config.access ?? (isRead(method) ? 'viewer' : 'admin')
}

/** Whether a request of this method changes nothing (RFC 9110, 9.2.1). */
export function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}
