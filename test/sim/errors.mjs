/**
 * Errors as the API answers them (NestJS bodies).
 */
const NAMES = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 409: 'Conflict', 429: 'Too Many Requests', 500: 'Internal Server Error', 502: 'Bad Gateway', 503: 'Service Unavailable' };

export class ApiError extends Error {
  /** message: a string, or a list of strings for validation errors. */
  constructor(status, message) {
    super(Array.isArray(message) ? message.join('; ') : message);
    this.status = status;
    this.body = { message, error: NAMES[status] ?? 'Error', statusCode: status };
  }
}

export const missingAuthorization = () => new ApiError(401, 'Missing Authorization Header.');
export const invalidKey = () => new ApiError(401, 'Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa.');
export const cannot = (method, path) => new ApiError(404, `Cannot ${method} ${path}`);
