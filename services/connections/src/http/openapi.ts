import swagger from '@fastify/swagger'
import { CSRF_HEADER } from './authentication.ts'
import { Problem } from './problem.ts'
import type { App } from './routes.ts'
import { SESSION_COOKIE } from './session-cookie.ts'

/** Describes every route that is added to the app in OpenAPI. */
export async function describeApi(app: App): Promise<void> {
  app.addSchema(Problem)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Sluice admin API', version: '1' },
      components: {
        securitySchemes: {
          operatorToken: { type: 'http', scheme: 'bearer', description: 'An operator token: slo_…' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: SESSION_COOKIE,
            description: `The cookie of a session. Every change also needs the header ${CSRF_HEADER}: 1.`,
          },
        },
      },
      security: [{ operatorToken: [] }, { session: [] }],
    },
    refResolver: { buildLocalReference: ({ $id }, _baseUri, _fragment, index) => String($id ?? `schema-${index}`) },
  })
}

/** Describes the error response, which is the same on every route of the scope; call it before its routes are added. */
export function describeProblems(scope: App): void {
  scope.addHook('onRoute', ({ schema }) => {
    if (schema === undefined) return
    const problem = {
      description: 'RFC 9457 problem details.',
      content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
    }
    const responses = typeof schema.response === 'object' ? schema.response : {}
    schema.response = { ...responses, default: problem }
  })
}
