/* The roles that the lab knows, as tokens name them. */
#ifndef LAB_CORE_ROLES_H
#define LAB_CORE_ROLES_H

/* May create, change, publish and delete experiments and datasets. */
#define LAB_EDITOR "editor"

#endif
