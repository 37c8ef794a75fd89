#ifndef CLINUX_SHIMS_H
#define CLINUX_SHIMS_H
#endif
